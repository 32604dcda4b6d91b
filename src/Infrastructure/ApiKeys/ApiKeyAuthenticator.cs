using System.Security.Cryptography;
using Microsoft.Extensions.Options;
using Secrets.Application.Common;
using Secrets.Domain.ApiKeys;

namespace Secrets.Infrastructure.ApiKeys;

/// <summary>
/// Tells who presents an API key. A key is looked up by its public prefix, then hashed, and the hashes are compared in constant time:
/// what can be timed depends on the prefix and on nothing secret.
/// </summary>
internal sealed class ApiKeyAuthenticator(ApiKeyLookup keys, IOptions<AuthOptions> options, TimeProvider time)
{
    private const string Mistyped = "not the text of a key (mistyped or cut?)";

    private readonly byte[]? _bootstrapHash = options.Value.BootstrapKey is { } text ? ApiKeyText.HashOf(text) : null;

    public async Task<CredentialVerdict> AuthenticateAsync(string text, CancellationToken cancellationToken)
    {
        var hash = ApiKeyText.HashOf(text);
        if (_bootstrapHash is not null && CryptographicOperations.FixedTimeEquals(hash, _bootstrapHash))
        {
            return new CredentialVerdict(BootstrapKey.Caller);
        }

        if (!ApiKeyText.HasForm(text))
        {
            return new CredentialVerdict(Mistyped);
        }

        var key = await keys.FindAsync(ApiKeyText.PrefixOf(text), cancellationToken);
        var now = time.GetUtcNow();
        if (key is null || !CryptographicOperations.FixedTimeEquals(hash, key.Hash))
        {
            return new CredentialVerdict(ApiKeyText.IsWellFormed(text) ? "unknown or revoked key" : Mistyped);
        }

        if (!key.IsAccepted(now))
        {
            return new CredentialVerdict("expired key", key);
        }

        await keys.TouchAsync(key, now, cancellationToken);
        return new CredentialVerdict(new Caller(key.UserId, key.Scopes, key.Membership is { } membership ? [membership] : []));
    }
}
