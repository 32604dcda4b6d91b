using Secrets.Application.Audit;
using Secrets.Infrastructure.Batching;
using Secrets.Infrastructure.Persistence;
using Secrets.Infrastructure.Persistence.Rows;

namespace Secrets.Infrastructure.Encryption.DataKeys;

/// <summary>Finds the data keys that open values, first in the cache, then in the database with one query for many requests.</summary>
internal sealed class DataKeyLookup : IAsyncDisposable
{
    private static readonly Func<SecretsDbContext, Guid[], IAsyncEnumerable<DataKeyRow>> RowsWith = EF.CompileAsyncQuery(
        (SecretsDbContext db, Guid[] ids) => db.DataKeys.AsNoTracking().Where(row => ids.Contains(row.Id)));

    private readonly IDbContextFactory<SecretsDbContext> _contexts;
    private readonly DataKeyCache _cache;
    private readonly DataKeyWrapping _wrapping;
    private readonly Batcher<Guid, DataKeyRow?> _reads;

    public DataKeyLookup(IDbContextFactory<SecretsDbContext> contexts, DataKeyCache cache, DataKeyWrapping wrapping)
    {
        (_contexts, _cache, _wrapping) = (contexts, cache, wrapping);
        _reads = new Batcher<Guid, DataKeyRow?>(BatchLimits.ForReads with { Name = "data_keys" }, ReadAsync);
    }

    /// <summary>
    /// Finds a key by its id. Returns null if the key does not exist, does not unwrap, or belongs to another owner. The owner of a cached key is not compared:
    /// an envelope never opens with a key of another owner.
    /// </summary>
    /// <exception cref="UnavailableException">The queue is full, or the service is stopping.</exception>
    public async ValueTask<DataKey?> FindAsync(SecretOwner owner, Guid keyId, CancellationToken cancellationToken)
    {
        if (_cache.Find(keyId) is { } known)
        {
            return known;
        }

        if (await _reads.AddAsync(keyId, cancellationToken) is not { } row
            || new SecretOwner(row.OwnerKind, row.OwnerId) != owner
            || _wrapping.Unwrap(row) is not { } key)
        {
            return null;
        }

        _cache.Add(key);
        return key;
    }

    public ValueTask DisposeAsync() => _reads.DisposeAsync();

    private async Task<IReadOnlyList<DataKeyRow?>> ReadAsync(IReadOnlyList<Guid> ids)
    {
        var distinct = ids.Distinct().ToArray();
        await using var db = await _contexts.CreateDbContextAsync();
        if (await TryReadAsync(db, distinct) is not { } found)
        {
            // At least one row is unreadable: read each alone, so that the others are found.
            found = [];
            foreach (var id in distinct)
            {
                found.AddRange(await TryReadAsync(db, [id]) ?? []);
            }
        }

        return [.. ids.Select(id => found.Find(row => row.Id == id))];
    }

    /// <summary>Returns null if a row has a value that the service cannot have written.</summary>
    private static async Task<List<DataKeyRow>?> TryReadAsync(SecretsDbContext db, Guid[] ids)
    {
        try
        {
            return await RowsWith(db, ids).ToListAsync();
        }
        catch (Exception exception) when (AuditRows.AreUnreadable(exception))
        {
            return null;
        }
    }
}
