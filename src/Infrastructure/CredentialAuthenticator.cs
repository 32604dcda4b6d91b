using Secrets.Application.Common;
using Secrets.Infrastructure.ApiKeys;
using Secrets.Infrastructure.Jwt;

namespace Secrets.Infrastructure;

/// <summary>Has each kind of credential judged by whoever knows about it. The form decides alone: what one refuses is not tried by the other.</summary>
internal sealed class CredentialAuthenticator(ApiKeyAuthenticator keys, TokenAuthenticator tokens) : ICredentialAuthenticator
{
    public Task<CredentialVerdict> AuthenticateAsync(string text, CancellationToken cancellationToken) => CompactToken.HasForm(text)
        ? tokens.AuthenticateAsync(text, cancellationToken)
        : keys.AuthenticateAsync(text, cancellationToken);
}
