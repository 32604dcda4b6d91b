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
    private static readonly TimeSpan LastUsedPrecision = TimeSpan.FromMinutes(1);

    // Compiled, because every request goes through it.
    private static readonly Func<SecretsDbContext, string[], IAsyncEnumerable<ApiKey>> KeysWith = EF.CompileAsyncQuery(
        (SecretsDbContext db, string[] prefixes) => db.ApiKeys.AsNoTracking().Where(key => prefixes.Contains(key.Prefix)));

    private readonly IDbContextFactory<SecretsDbContext> _contexts;
    private readonly Batcher<string, ApiKey?> _reads;
    private readonly Batcher<(Guid Id, DateTimeOffset Now), bool> _touches;

    public ApiKeyLookup(IDbContextFactory<SecretsDbContext> contexts)
    {
        _contexts = contexts;
        _reads = new Batcher<string, ApiKey?>(BatchLimits.OfReads, ReadAsync);
        _touches = new Batcher<(Guid Id, DateTimeOffset Now), bool>(BatchLimits.OfReads, TouchAsync);
    }

    /// <summary>The key with that prefix as it is stored now; null when there is none.</summary>
    public Task<ApiKey?> FindAsync(string prefix, CancellationToken cancellationToken) => _reads.AddAsync(prefix, cancellationToken);

    /// <summary>Notes that a key was accepted, once a minute at most, so that a busy key does not cost a write per request.</summary>
    public Task TouchAsync(ApiKey key, DateTimeOffset now, CancellationToken cancellationToken) =>
        key.LastUsedAt is { } last && last > now - LastUsedPrecision ? Task.CompletedTask : _touches.AddAsync((key.Id, now), cancellationToken);

    public async ValueTask DisposeAsync()
    {
        await _reads.DisposeAsync();
        await _touches.DisposeAsync();
    }

    private async Task<IReadOnlyList<ApiKey?>> ReadAsync(IReadOnlyList<string> prefixes)
    {
        await using var db = await _contexts.CreateDbContextAsync();
        var asked = prefixes.Distinct(StringComparer.Ordinal).ToArray();
        var found = new Dictionary<string, ApiKey>(StringComparer.Ordinal);
        await foreach (var key in KeysWith(db, asked))
        {
            found.Add(key.Prefix, key);
        }

        return [.. prefixes.Select(prefix => found.GetValueOrDefault(prefix))];
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
