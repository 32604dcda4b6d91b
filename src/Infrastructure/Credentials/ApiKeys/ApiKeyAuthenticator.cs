using System.Security.Cryptography;
using Secrets.Domain.ApiKeys;
using Secrets.Infrastructure.Integrity;

namespace Secrets.Infrastructure.Credentials.ApiKeys;

/// <summary>
/// Authenticates API keys. A key is looked up by its public prefix, and its hash is compared in constant time:
/// response times depend on the prefix and on nothing secret.
/// </summary>
internal sealed class ApiKeyAuthenticator(
    ApiKeyLookup keys, ApiKeyCache cache, IntegrityAlarms alarms, IOptions<AuthOptions> options, TimeProvider time)
{
    private const string Mistyped = "not the text of a key (mistyped or cut?)";

    private readonly byte[]? _bootstrapHash = options.Value.BootstrapKey is { } text ? ApiKeyText.HashOf(text) : null;

    /// <inheritdoc cref="ICredentialAuthenticator.AuthenticateAsync" />
    public async ValueTask<CredentialVerdict> AuthenticateAsync(string text, bool mayUseCache, CancellationToken cancellationToken)
    {
        var hash = ApiKeyText.HashOf(text);
        if (_bootstrapHash is not null && CryptographicOperations.FixedTimeEquals(hash, _bootstrapHash))
        {
            return new CredentialVerdict(BootstrapCaller.Caller);
        }

        if (!ApiKeyText.HasForm(text))
        {
            return new CredentialVerdict(Mistyped);
        }

        var prefix = ApiKeyText.PrefixOf(text);
        var now = time.GetUtcNow();
        if (mayUseCache && cache.Find(prefix) is { } known && known.Key.IsAccepted(now) && CryptographicOperations.FixedTimeEquals(hash, known.Key.Hash))
        {
            return new CredentialVerdict(CallerOf(known.Key, known));
        }

        var found = await FindAsync(prefix, cancellationToken);
        if (found is { Fault: not null })
        {
            return new CredentialVerdict("the row of this key was changed outside the service") { Kind = RefusalKind.Tampered };
        }

        var key = found?.Key;
        if (key is null || !CryptographicOperations.FixedTimeEquals(hash, key.Hash))
        {
            return ApiKeyText.IsWellFormed(text) ? new CredentialVerdict("unknown key") { Kind = RefusalKind.Unknown } : new CredentialVerdict(Mistyped);
        }

        if (!key.IsAccepted(now))
        {
            return key.RevokedAt is null
                ? new CredentialVerdict("expired key", key) { Kind = RefusalKind.Expired }
                : new CredentialVerdict("revoked key", key) { Kind = RefusalKind.Revoked };
        }

        // A key whose use could not be noted is not cached: the next request looks it up and notes its use.
        if (await keys.TouchAsync(key, now, cancellationToken) is { } notedAgo && mayUseCache)
        {
            cache.Add(new CachedKey(key, found!.Version, found.Stamp), notedAgo);
        }

        return new CredentialVerdict(CallerOf(key));
    }

    /// <summary>Reads a cached key again. Returns null if the key is no longer accepted.</summary>
    /// <exception cref="UnavailableException">The key cannot be read now.</exception>
    public async Task<CachedKey?> RefreshAsync(CachedKey cached, CancellationToken cancellationToken)
    {
        if (await FindAsync(cached.Key.Prefix, cancellationToken) is { Fault: null } found
            && found.Key!.Id == cached.Key.Id
            && found.Key.IsAccepted(time.GetUtcNow()))
        {
            return new CachedKey(found.Key, found.Version, found.Stamp);
        }

        cache.Remove(cached);
        return null;
    }

    /// <summary>Looks a key up. Raises an alarm if the key does not verify.</summary>
    private async Task<FoundKey?> FindAsync(string prefix, CancellationToken cancellationToken)
    {
        var found = await keys.FindAsync(prefix, cancellationToken);
        if (found is { Fault: { } fault })
        {
            await alarms.RaiseAsync(prefix, found.Key, fault);
        }

        return found;
    }

    private static Caller CallerOf(ApiKey key, CachedKey? cached = null) =>
        new(key.UserId, key.Scopes, key.Membership is { } membership ? [membership] : [], Credential.OfKey(key.Id, key.ExpiresAt)) { CachedKey = cached };
}
