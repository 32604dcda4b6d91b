using Microsoft.EntityFrameworkCore;
using Secrets.Domain.Secrets;
using Secrets.Infrastructure.Persistence;
using Secrets.Infrastructure.Persistence.Rows;

namespace Secrets.Infrastructure.Encryption.DataKeys;

/// <summary>Finds the data keys of values that are opened: in memory, or else in the database, those of many requests in one query.</summary>
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
    /// A key by its id; null when it does not exist (any more), or is read and belongs to somebody else. One that is in memory is not compared: what was
    /// sealed for one owner opens with no other's key.
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
