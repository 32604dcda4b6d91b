using Secrets.Infrastructure.Credentials.ApiKeys;
using Secrets.Infrastructure.Credentials.Tokens;
using Secrets.Infrastructure.Persistence;

namespace Secrets.Infrastructure.Credentials;

/// <summary>Passes a credential to the authenticator of its kind. The form alone decides the kind: a refused token is not tried as an API key.</summary>
internal sealed class CredentialAuthenticator(ApiKeyAuthenticator keys, TokenAuthenticator tokens, IDatabaseFaults faults) : ICredentialAuthenticator
{
    public ValueTask<CredentialVerdict> AuthenticateAsync(string text, bool mayUseCache, CancellationToken cancellationToken)
    {
        var verdict = CompactToken.HasForm(text)
            ? new ValueTask<CredentialVerdict>(tokens.AuthenticateAsync(text, cancellationToken))
            : keys.AuthenticateAsync(text, mayUseCache, cancellationToken);

        // A cached verdict is complete already.
        return verdict.IsCompletedSuccessfully ? verdict : new ValueTask<CredentialVerdict>(faults.TranslateAsync(verdict.AsTask, cancellationToken));
    }

    public async Task<bool> ConfirmAsync(CachedKey key, CancellationToken cancellationToken) =>
        await faults.TranslateAsync(() => keys.RefreshAsync(key, cancellationToken), cancellationToken) is not null;
}
