using System.Security.Cryptography;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Secrets.Application.Common;
using Secrets.Domain.ApiKeys;
using Secrets.Infrastructure.Persistence;

namespace Secrets.Infrastructure.ApiKeys;

/// <summary>
/// Tells who presents an API key. A key is looked up by its public prefix, then hashed, and the hashes are compared in constant time:
/// what can be timed depends on the prefix and on nothing secret.
/// </summary>
internal sealed class ApiKeyAuthenticator(SecretsDbContext db, IOptions<AuthOptions> options, TimeProvider time) : IApiKeyAuthenticator
{
    private static readonly TimeSpan LastUsedPrecision = TimeSpan.FromMinutes(1);

    public async Task<ApiKeyVerdict> AuthenticateAsync(string text, CancellationToken cancellationToken)
    {
        if (options.Value.BootstrapKey is { } bootstrap
            && CryptographicOperations.FixedTimeEquals(ApiKeyText.HashOf(text), ApiKeyText.HashOf(bootstrap)))
        {
            return new ApiKeyVerdict(BootstrapKey.Caller);
        }

        if (!ApiKeyText.IsWellFormed(text))
        {
            return new ApiKeyVerdict("not the text of a key (mistyped or cut?)");
        }

        var prefix = ApiKeyText.PrefixOf(text);
        var key = await db.ApiKeys.AsNoTracking().SingleOrDefaultAsync(key => key.Prefix == prefix, cancellationToken);
        var now = time.GetUtcNow();
        if (key is null || !CryptographicOperations.FixedTimeEquals(ApiKeyText.HashOf(text), key.Hash))
        {
            return new ApiKeyVerdict("unknown or revoked key");
        }

        if (!key.IsAccepted(now))
        {
            return new ApiKeyVerdict("expired key");
        }

        await TouchAsync(key, now, cancellationToken);
        return new ApiKeyVerdict(new Caller(key.UserId, key.Scopes, key.Membership is { } membership ? [membership] : []));
    }

    /// <summary>Notes the use, once a minute at most, so that a busy key does not cost a write per request.</summary>
    private async Task TouchAsync(ApiKey key, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var stale = now - LastUsedPrecision;
        if (key.LastUsedAt is { } last && last > stale)
        {
            return;
        }

        await db.ApiKeys
            .Where(row => row.Id == key.Id && (row.LastUsedAt == null || row.LastUsedAt <= stale))
            .ExecuteUpdateAsync(set => set.SetProperty(row => row.LastUsedAt, now), cancellationToken);
    }
}
