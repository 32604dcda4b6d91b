using Secrets.Application.Common;
using Secrets.Infrastructure.Credentials.ApiKeys;
using Secrets.Infrastructure.Credentials.Tokens;

namespace Secrets.Infrastructure.Credentials;

/// <summary>Passes a credential to the authenticator of its kind. The form alone decides the kind: a refused token is not tried as an API key.</summary>
internal sealed class CredentialAuthenticator(ApiKeyAuthenticator keys, TokenAuthenticator tokens) : ICredentialAuthenticator
{
    public ValueTask<CredentialVerdict> AuthenticateAsync(string text, bool mayUseCache, CancellationToken cancellationToken) => CompactToken.HasForm(text)
        ? new ValueTask<CredentialVerdict>(tokens.AuthenticateAsync(text, cancellationToken))
        : keys.AuthenticateAsync(text, mayUseCache, cancellationToken);

    public async Task<bool> ConfirmAsync(CachedKey key, CancellationToken cancellationToken) => await keys.RefreshAsync(key, cancellationToken) is not null;
}
