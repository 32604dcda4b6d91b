using Secrets.Infrastructure.Persistence;
using Secrets.Infrastructure.Persistence.Rows;

namespace Secrets.Infrastructure.Encryption.DataKeys;

/// <summary>Finds the data keys that open values, first in the cache, then in the database with one query for many requests.</summary>
internal sealed class DataKeyLookup : IAsyncDisposable
{
    private static readonly Func<SecretsDbContext, Guid[], IAsyncEnumerable<DataKeyRow>> RowsWith = EF.CompileAsyncQuery(
        (SecretsDbContext db, Guid[] ids) => db.DataKeys.AsNoTracking().Where(row => ids.Contains(row.Id)));

    private readonly DataKeyCache _cache;
    private readonly DataKeyWrapping _wrapping;
    private readonly RowLookup<Guid, DataKeyRow> _rows;

    public DataKeyLookup(IDbContextFactory<SecretsDbContext> contexts, DataKeyCache cache, DataKeyWrapping wrapping)
    {
        _cache = cache;
        _wrapping = wrapping;
        _rows = new RowLookup<Guid, DataKeyRow>(contexts, RowsWith, row => row.Id);
    }

    /// <summary>
    /// Finds a key by its id. Returns null if the key does not exist, does not unwrap, or belongs to another owner. The owner of a cached key is not compared:
    /// an envelope never opens with a key of another owner.
    /// </summary>
    public async ValueTask<DataKey?> FindAsync(SecretOwner owner, Guid keyId, CancellationToken cancellationToken)
    {
        if (_cache.Find(keyId) is { } known)
        {
            return known;
        }

        if (await _rows.FindAsync(keyId, cancellationToken) is not { } row
            || new SecretOwner(row.OwnerKind, row.OwnerId) != owner
            || _wrapping.Unwrap(row) is not { } key)
        {
            return null;
        }

        _cache.Add(key);
        return key;
    }

    public ValueTask DisposeAsync() => _rows.DisposeAsync();
}
