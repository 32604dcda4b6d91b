using System.Security.Cryptography;
using Secrets.Application.Common;
using Secrets.Domain.Secrets;
using Secrets.Infrastructure.Integrity;
using Secrets.Infrastructure.Persistence;
using Secrets.Infrastructure.Persistence.Rows;
using Secrets.Infrastructure.Transactions;

namespace Secrets.Infrastructure.Encryption.DataKeys;

/// <summary>Finds and makes the data keys that new values of owners are sealed with.</summary>
/// <remarks>
/// An envelope is stored only while its key is the one that the owner's account names, and under the owner's lock. A key that was replaced while a process still has it in memory seals nothing
/// more that is stored (docs/decisions/0019-keys-are-rotated-online.md).
/// </remarks>
internal sealed class CurrentDataKeys(SecretsDbContext db, OwnerReader reader, DataKeyCache cache, DataKeyWrapping wrapping, TimeProvider time)
{
    /// <summary>The key that new values of an owner are sealed with at this moment. It is made, with the owner's account, on first use.</summary>
    /// <exception cref="ConflictException">There is one, and it does not unwrap.</exception>
    /// <exception cref="TamperedOwnerException">The owner's rows do not verify.</exception>
    public async Task<DataKey> GetCurrentAsync(SecretOwner owner, CancellationToken cancellationToken)
    {
        var key = (await reader.ReadAsync(db, owner)).CurrentKey is { } row ? Unwrap(row) : await MakeFirstAsync(owner, cancellationToken);
        cache.AddCurrent(owner, key);
        return key;
    }

    /// <summary>The same in a transaction, which locks the owner, and until its end.</summary>
    /// <exception cref="ConflictException">There is one, and it does not unwrap.</exception>
    /// <exception cref="TamperedOwnerException">The owner's rows do not verify.</exception>
    public async Task<DataKey> LockCurrentAsync(SecretOwner owner, CancellationToken cancellationToken)
    {
        if ((await db.LockWholeAsync(owner, cancellationToken)).CurrentKey is not { } row)
        {
            // Not to be cached before it is certain that it is stored.
            return Add(owner);
        }

        var key = Unwrap(row);
        cache.AddCurrent(owner, key);
        return key;
    }

    /// <summary>Adds a new key of an owner to what the transaction saves. It has locked the owner, and retired the key that there was.</summary>
    public DataKey Add(SecretOwner owner)
    {
        var now = time.GetUtcNow();
        var key = new DataKey(Guid.CreateVersion7(now), RandomNumberGenerator.GetBytes(AesGcmBox.KeySize));
        db.Add(new DataKeyRow
        {
            Id = key.Id,
            OwnerKind = owner.Kind,
            OwnerId = owner.Id,
            Wrapped = wrapping.Wrap(owner, key),
            CreatedAt = now,
        });
        return key;
    }

    private DataKey Unwrap(DataKeyRow row) => cache.Find(row.Id)
        ?? wrapping.Unwrap(row)
        ?? throw new ConflictException("The key that seals this owner's values was changed outside the service: nothing can be stored with it.");

    private async Task<DataKey> MakeFirstAsync(SecretOwner owner, CancellationToken cancellationToken)
    {
        try
        {
            // Unless somebody else made it meanwhile.
            return await db.InTransactionOfAsync(owner, token => LockCurrentAsync(owner, token), cancellationToken);
        }
        finally
        {
            db.ChangeTracker.Clear();
        }
    }
}
