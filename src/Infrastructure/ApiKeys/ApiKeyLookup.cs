using Microsoft.EntityFrameworkCore;
using Secrets.Domain.ApiKeys;
using Secrets.Infrastructure.Batching;
using Secrets.Infrastructure.Persistence;

namespace Secrets.Infrastructure.ApiKeys;

/// <summary>
/// Reads API keys from the database, those of many requests in one query. Nothing is kept: a cache would go on accepting a key after
/// another replica revoked it.
/// </summary>
internal sealed class ApiKeyLookup : IAsyncDisposable
{
    /// <summary>By how much the time of a key's last use may be behind.</summary>
    public static readonly TimeSpan LastUsedPrecision = TimeSpan.FromMinutes(1);

    // Compiled, because every request goes through it.
    private static readonly Func<SecretsDbContext, string[], IAsyncEnumerable<ApiKey>> KeysWith = EF.CompileAsyncQuery(
        (SecretsDbContext db, string[] prefixes) => db.ApiKeys.AsNoTracking().Where(key => prefixes.Contains(key.Prefix)));

    private readonly IDbContextFactory<SecretsDbContext> _contexts;
    private readonly RowLookup<string, ApiKey> _keys;
    private readonly Batcher<(Guid Id, DateTimeOffset Now), bool> _touches;

    public ApiKeyLookup(IDbContextFactory<SecretsDbContext> contexts)
    {
        _contexts = contexts;
        _keys = new RowLookup<string, ApiKey>(contexts, KeysWith, key => key.Prefix);
        _touches = new Batcher<(Guid Id, DateTimeOffset Now), bool>(BatchLimits.OfReads, TouchAsync);
    }

    /// <summary>The key with that prefix as it is stored now; null when there is none.</summary>
    public Task<ApiKey?> FindAsync(string prefix, CancellationToken cancellationToken) => _keys.FindAsync(prefix, cancellationToken);

    /// <summary>Notes that a key was accepted, once a minute at most, so that a busy key does not cost a write per request.</summary>
    /// <returns>How long ago it was noted: less than a minute. Another replica's clock may be ahead; then it is now.</returns>
    public async ValueTask<TimeSpan> TouchAsync(ApiKey key, DateTimeOffset now, CancellationToken cancellationToken)
    {
        if (key.LastUsedAt is { } last && last > now - LastUsedPrecision)
        {
            return last < now ? now - last : TimeSpan.Zero;
        }

        await _touches.AddAsync((key.Id, now), cancellationToken);
        return TimeSpan.Zero;
    }

    public async ValueTask DisposeAsync()
    {
        await _keys.DisposeAsync();
        await _touches.DisposeAsync();
    }

    private async Task<IReadOnlyList<bool>> TouchAsync(IReadOnlyList<(Guid Id, DateTimeOffset Now)> keys)
    {
        await using var db = await _contexts.CreateDbContextAsync();
        var used = keys.Select(key => key.Id).Distinct().ToArray();
        var now = keys.Max(key => key.Now);
        var stale = now - LastUsedPrecision;
        await db.ApiKeys
            .Where(row => used.Contains(row.Id) && (row.LastUsedAt == null || row.LastUsedAt <= stale))
            .ExecuteUpdateAsync(set => set.SetProperty(row => row.LastUsedAt, now));
        return new bool[keys.Count];
    }
}
