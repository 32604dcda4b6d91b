using System.Security.Cryptography;
using Microsoft.Extensions.Options;
using Secrets.Application.Common;
using Secrets.Domain.ApiKeys;

namespace Secrets.Infrastructure.ApiKeys;

/// <summary>
/// Tells who presents an API key. A key is looked up by its public prefix, then hashed, and the hashes are compared in constant time:
/// what can be timed depends on the prefix and on nothing secret.
/// </summary>
internal sealed class ApiKeyAuthenticator(ApiKeyLookup keys, RememberedKeys remembered, IOptions<AuthOptions> options, TimeProvider time)
{
    private const string Mistyped = "not the text of a key (mistyped or cut?)";

    private readonly byte[]? _bootstrapHash = options.Value.BootstrapKey is { } text ? ApiKeyText.HashOf(text) : null;

    /// <inheritdoc cref="ICredentialAuthenticator.AuthenticateAsync" />
    public async ValueTask<CredentialVerdict> AuthenticateAsync(string text, bool mayRemember, CancellationToken cancellationToken)
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

        var prefix = ApiKeyText.PrefixOf(text);
        var now = time.GetUtcNow();
        if (mayRemember && remembered.Find(prefix) is { } known && known.IsAccepted(now) && CryptographicOperations.FixedTimeEquals(hash, known.Hash))
        {
            return new CredentialVerdict(CallerOf(known) with { Remembered = known });
        }

        var key = await keys.FindAsync(prefix, cancellationToken);
        if (key is null || !CryptographicOperations.FixedTimeEquals(hash, key.Hash))
        {
            return new CredentialVerdict(ApiKeyText.IsWellFormed(text) ? "unknown key" : Mistyped);
        }

        if (!key.IsAccepted(now))
        {
            return new CredentialVerdict(key.RevokedAt is null ? "expired key" : "revoked key", key);
        }

        var notedAgo = await keys.TouchAsync(key, now, cancellationToken);
        if (mayRemember)
        {
            remembered.Remember(key, notedAgo);
        }

        return new CredentialVerdict(CallerOf(key));
    }

    /// <inheritdoc cref="ICredentialAuthenticator.ConfirmAsync" />
    public async Task<bool> ConfirmAsync(ApiKey key, CancellationToken cancellationToken)
    {
        if (await keys.FindAsync(key.Prefix, cancellationToken) is { } now && now.Id == key.Id && now.IsAccepted(time.GetUtcNow()))
        {
            return true;
        }

        remembered.Forget(key);
        return false;
    }

    private static Caller CallerOf(ApiKey key) => new(key.UserId, key.Scopes, key.Membership is { } membership ? [membership] : []);
}
