using Secrets.Application.Audit;
using Secrets.Infrastructure.Batching;
using Secrets.Infrastructure.Persistence;

namespace Secrets.Infrastructure.Encryption.DataKeys;

/// <summary>Reads rows by a unique key, with one query for many requests. Rows are not cached.</summary>
internal sealed class RowLookup<TKey, TRow> : IAsyncDisposable
    where TKey : notnull
    where TRow : class
{
    private readonly IDbContextFactory<SecretsDbContext> _contexts;
    private readonly Func<SecretsDbContext, TKey[], IAsyncEnumerable<TRow>> _rowsWith;
    private readonly Func<TRow, TKey> _keyOf;
    private readonly Batcher<TKey, TRow?> _reads;

    /// <summary>Starts the worker.</summary>
    /// <param name="contexts">Makes a context for each batch.</param>
    /// <param name="rowsWith">Queries the rows with any of these keys.</param>
    /// <param name="keyOf">Gets the key of a row. Text is compared ordinally.</param>
    public RowLookup(
        IDbContextFactory<SecretsDbContext> contexts, Func<SecretsDbContext, TKey[], IAsyncEnumerable<TRow>> rowsWith, Func<TRow, TKey> keyOf)
    {
        _contexts = contexts;
        _rowsWith = rowsWith;
        _keyOf = keyOf;
        _reads = new Batcher<TKey, TRow?>(BatchLimits.ForReads, ReadAsync);
    }

    /// <summary>Reads the row as it is stored now; null if it does not exist.</summary>
    /// <exception cref="Application.Common.UnavailableException">The queue is full, or the service is stopping.</exception>
    public Task<TRow?> FindAsync(TKey key, CancellationToken cancellationToken) => _reads.AddAsync(key, cancellationToken);

    public ValueTask DisposeAsync() => _reads.DisposeAsync();

    private async Task<IReadOnlyList<TRow?>> ReadAsync(IReadOnlyList<TKey> keys)
    {
        await using var db = await _contexts.CreateDbContextAsync();
        var found = await TryReadAsync(db, [.. keys.Distinct()]);
        if (found is null)
        {
            // At least one row is unreadable: read each alone, so that the others are found.
            found = [];
            foreach (var key in keys.Distinct())
            {
                if (await TryReadAsync(db, [key]) is { Count: 1 } one)
                {
                    found.Add(key, one[key]);
                }
            }
        }

        return [.. keys.Select(key => found.GetValueOrDefault(key))];
    }

    /// <summary>Returns null if a row has a value that the service cannot have written.</summary>
    private async Task<Dictionary<TKey, TRow>?> TryReadAsync(SecretsDbContext db, TKey[] keys)
    {
        try
        {
            return await _rowsWith(db, keys).ToDictionaryAsync(_keyOf);
        }
        catch (Exception exception) when (AuditRows.AreUnreadable(exception))
        {
            return null;
        }
    }
}
