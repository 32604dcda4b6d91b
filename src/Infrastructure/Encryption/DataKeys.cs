using System.Globalization;
using System.Security.Cryptography;
using Microsoft.AspNetCore.DataProtection;
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

/// <summary>Data keys in memory. Bounded: the owners that were asked for least recently leave first.</summary>
internal sealed class DataKeyCache : IDisposable
{
    private const int Capacity = 20_000;
    private readonly MemoryCache _keys = new(new MemoryCacheOptions { SizeLimit = Capacity });

    public DataKey? CurrentOf(SecretOwner owner) => _keys.Get<DataKey>(owner);

    public DataKey? Find(Guid keyId) => _keys.Get<DataKey>(keyId);

    public void Add(DataKey key) => Set(key.Id, key);

    public void AddCurrent(SecretOwner owner, DataKey key)
    {
        Add(key);
        Set(owner, key);
    }

    public void Dispose() => _keys.Dispose();

    private void Set(object index, DataKey key) => _keys.Set(index, key, new MemoryCacheEntryOptions { Size = 1 });
}

/// <summary>Finds, unwraps and makes the data keys of owners.</summary>
internal sealed class DataKeys(SecretsDbContext db, DataKeyCache cache, IDataProtectionProvider protection, TimeProvider time, IDatabaseFaults faults)
{
    /// <summary>The key that new values of an owner are sealed with. It is made, with the owner's account, on first use.</summary>
    public async Task<DataKey> CurrentOfAsync(SecretOwner owner, CancellationToken cancellationToken)
    {
        var key = await LoadCurrentAsync(owner, cancellationToken) ?? await MakeAsync(owner, cancellationToken);
        cache.AddCurrent(owner, key);
        return key;
    }

    /// <summary>A key by its id; null when it does not exist (any more) or does not belong to the owner.</summary>
    public async Task<DataKey?> FindAsync(SecretOwner owner, Guid keyId, CancellationToken cancellationToken)
    {
        var (kind, id) = owner;
        var row = await db.DataKeys.AsNoTracking()
            .SingleOrDefaultAsync(row => row.Id == keyId && row.OwnerKind == kind && row.OwnerId == id, cancellationToken);
        if (row is null || Unwrap(row) is not { } key)
        {
            return null;
        }

        cache.Add(key);
        return key;
    }

    private async Task<DataKey?> LoadCurrentAsync(SecretOwner owner, CancellationToken cancellationToken)
    {
        var (kind, id) = owner;
        var row = await db.DataKeys.AsNoTracking()
            .SingleOrDefaultAsync(row => row.OwnerKind == kind && row.OwnerId == id && row.RetiredAt == null, cancellationToken);
        return row is null
            ? null
            : Unwrap(row) ?? throw new InvalidOperationException($"The data key {row.Id} does not unwrap.");
    }

    private async Task<DataKey> MakeAsync(SecretOwner owner, CancellationToken cancellationToken)
    {
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
            Wrapped = ProtectorOf(owner, key.Id).Protect(key.Bytes),
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

    private DataKey? Unwrap(DataKeyRow row)
    {
        try
        {
            var bytes = ProtectorOf(new SecretOwner(row.OwnerKind, row.OwnerId), row.Id).Unprotect(row.Wrapped);
            return new DataKey(row.Id, bytes);
        }
        catch (CryptographicException)
        {
            return null;
        }
    }

    private IDataProtector ProtectorOf(SecretOwner owner, Guid keyId) => protection.CreateProtector(
        "Secrets.DataKey", ((int)owner.Kind).ToString(CultureInfo.InvariantCulture), owner.Id, keyId.ToString("D"));
}
