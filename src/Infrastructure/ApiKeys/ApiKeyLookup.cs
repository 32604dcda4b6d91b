using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
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

    private readonly IServiceScopeFactory _scopes;
    private readonly Batcher<string, ApiKey?> _batcher;

    public ApiKeyLookup(IServiceScopeFactory scopes)
    {
        _scopes = scopes;
        _batcher = new Batcher<string, ApiKey?>(new BatchLimits(MaxBatch: 200, Workers: 1, Capacity: 10_000), ReadAsync);
    }

    /// <summary>The key with that prefix as it is stored now; null when there is none.</summary>
    public Task<ApiKey?> FindAsync(string prefix, CancellationToken cancellationToken) => _batcher.AddAsync(prefix, cancellationToken);

    /// <summary>Notes that a key was accepted, once a minute at most, so that a busy key does not cost a write per request.</summary>
    public async Task TouchAsync(ApiKey key, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var stale = now - LastUsedPrecision;
        if (key.LastUsedAt is { } last && last > stale)
        {
            return;
        }

        await using var scope = _scopes.CreateAsyncScope();
        await scope.ServiceProvider.GetRequiredService<SecretsDbContext>().ApiKeys
            .Where(row => row.Id == key.Id && (row.LastUsedAt == null || row.LastUsedAt <= stale))
            .ExecuteUpdateAsync(set => set.SetProperty(row => row.LastUsedAt, now), cancellationToken);
    }

    public ValueTask DisposeAsync() => _batcher.DisposeAsync();

    private async Task<IReadOnlyList<ApiKey?>> ReadAsync(IReadOnlyList<string> prefixes)
    {
        await using var scope = _scopes.CreateAsyncScope();
        var asked = prefixes.Distinct(StringComparer.Ordinal).ToArray();
        var found = await scope.ServiceProvider.GetRequiredService<SecretsDbContext>().ApiKeys.AsNoTracking()
            .Where(key => asked.Contains(key.Prefix))
            .ToDictionaryAsync(key => key.Prefix, StringComparer.Ordinal);
        return [.. prefixes.Select(prefix => found.GetValueOrDefault(prefix))];
    }
}
