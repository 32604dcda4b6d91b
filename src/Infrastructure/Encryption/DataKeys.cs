using System.Security.Cryptography;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Caching.Memory;
using Secrets.Application.Common;
using Secrets.Domain.Secrets;
using Secrets.Infrastructure.Persistence;

namespace Secrets.Infrastructure.Encryption;

/// <summary>A data key, unwrapped.</summary>
internal sealed record DataKey(Guid Id, byte[] Bytes)
{
    public override string ToString() => Id.ToString();
}

/// <summary>
/// Data keys in memory. Bounded: the owners that were asked for least recently leave first. Each is forgotten after a while, so that a key
/// that was deleted from the database is gone from every process then.
/// </summary>
internal sealed class DataKeyCache(TimeProvider time) : IDisposable
{
    /// <summary>How long a key is kept after it was read.</summary>
    public static readonly TimeSpan Lifetime = TimeSpan.FromMinutes(5);

    // Two for each owner who writes. About 15 MB.
    private const int Capacity = 50_000;
    private readonly MemoryCache _keys = new(new MemoryCacheOptions { SizeLimit = Capacity });

    public DataKey? CurrentOf(SecretOwner owner) => Get(owner);

    public DataKey? Find(Guid keyId) => Get(keyId);

    public void Add(DataKey key) => Set(key.Id, key);

    public void AddCurrent(SecretOwner owner, DataKey key)
    {
        Add(key);
        Set(owner, key);
    }

    public void Dispose() => _keys.Dispose();

    private DataKey? Get(object index) => _keys.Get<Kept>(index) is { } kept && time.GetElapsedTime(kept.Since) < Lifetime ? kept.Key : null;

    private void Set(object index, DataKey key) =>
        _keys.Set(index, new Kept(key, time.GetTimestamp()), new MemoryCacheEntryOptions { Size = 1 });

    private sealed record Kept(DataKey Key, long Since);
}

/// <summary>Finds and makes the data keys that new values of owners are sealed with.</summary>
internal sealed class DataKeys(SecretsDbContext db, DataKeyCache cache, DataKeyWrapping wrapping, TimeProvider time, IDatabaseFaults faults)
{
    /// <summary>The key that new values of an owner are sealed with. It is made, with the owner's account, on first use.</summary>
    /// <exception cref="UnavailableException">It would have to be made in the middle of a transaction.</exception>
    public async Task<DataKey> CurrentOfAsync(SecretOwner owner, CancellationToken cancellationToken)
    {
        var key = await LoadCurrentAsync(owner, cancellationToken) ?? await MakeAsync(owner, cancellationToken);
        cache.AddCurrent(owner, key);
        return key;
    }

    private async Task<DataKey?> LoadCurrentAsync(SecretOwner owner, CancellationToken cancellationToken)
    {
        var (kind, id) = owner;
        var row = await db.DataKeys.AsNoTracking()
            .SingleOrDefaultAsync(row => row.OwnerKind == kind && row.OwnerId == id && row.RetiredAt == null, cancellationToken);
        return row is null
            ? null
            : wrapping.Unwrap(row) ?? throw new InvalidOperationException($"The data key {row.Id} does not unwrap.");
    }

    private async Task<DataKey> MakeAsync(SecretOwner owner, CancellationToken cancellationToken)
    {
        if (db.Database.CurrentTransaction is not null)
        {
            // An update whose key went away under it. To save now would store what it has changed so far, without the new seal.
            throw new UnavailableException();
        }

        var now = time.GetUtcNow();
        var key = new DataKey(Guid.CreateVersion7(now), RandomNumberGenerator.GetBytes(AesGcmBox.KeySize));
        var (kind, id) = owner;
        if (!await db.Owners.AnyAsync(account => account.Kind == kind && account.Id == id, cancellationToken))
        {
            db.Add(new Owner(owner));
        }

        db.Add(new DataKeyRow
        {
            Id = key.Id,
            OwnerKind = kind,
            OwnerId = id,
            Wrapped = wrapping.Wrap(owner, key),
            CreatedAt = now,
        });
        try
        {
            await db.SaveChangesAsync(cancellationToken);
            return key;
        }
        catch (DbUpdateException exception) when (faults.UniqueIndexOf(exception) is not null)
        {
            // Somebody else made the owner's first key at the same moment: theirs is the key.
            return await LoadCurrentAsync(owner, cancellationToken) ?? throw new UnavailableException();
        }
        finally
        {
            db.ChangeTracker.Clear();
        }
    }
}
