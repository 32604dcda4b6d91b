using System.Security.Cryptography;
using Secrets.Infrastructure.Integrity;
using Secrets.Infrastructure.Persistence;
using Secrets.Infrastructure.Persistence.Rows;
using Secrets.Infrastructure.Transactions;

namespace Secrets.Infrastructure.Encryption.DataKeys;

/// <summary>Finds and makes the data keys that seal new values.</summary>
/// <remarks>
/// An envelope is stored only under the owner's lock and only if the owner's account names the envelope's data key. An envelope sealed with a replaced but
/// still cached key is therefore never stored (docs/decisions/0019-keys-are-rotated-online.md).
/// </remarks>
internal sealed class CurrentDataKeys(SecretsDbContext db, OwnerReader reader, DataKeyCache cache, DataKeyWrapping wrapping, TimeProvider time)
{
    /// <summary>Gets the owner's current key. If the owner has no key yet, creates the key and the owner's account in a transaction of its own.</summary>
    /// <exception cref="ConflictException">The key does not unwrap.</exception>
    /// <exception cref="TamperedOwnerException">The owner's rows do not verify.</exception>
    public async Task<DataKey> GetCurrentAsync(SecretOwner owner, CancellationToken cancellationToken)
    {
        var key = (await reader.ReadAsync(db, owner)).CurrentKey is { } row ? Unwrap(row) : await MakeFirstAsync(owner, cancellationToken);
        cache.AddCurrent(owner, key);
        return key;
    }

    /// <summary>Locks the owner in the current transaction and gets its current key, which stays current until the transaction ends.</summary>
    /// <exception cref="ConflictException">The key does not unwrap.</exception>
    /// <exception cref="TamperedOwnerException">The owner's rows do not verify.</exception>
    public async Task<DataKey> LockCurrentAsync(SecretOwner owner, CancellationToken cancellationToken)
    {
        if ((await db.LockAndVerifyAsync(owner, cancellationToken)).CurrentKey is not { } row)
        {
            // Do not cache the new key yet: the transaction may still roll back.
            return AddNewKey(owner);
        }

        var key = Unwrap(row);
        cache.AddCurrent(owner, key);
        return key;
    }

    /// <summary>Adds a new key of an owner to the transaction, which must have locked the owner and retired the current key.</summary>
    public DataKey AddNewKey(SecretOwner owner)
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
        ?? throw new ConflictException("The data key of this owner was changed outside the service, so values cannot be stored. "
            + "An operator must restore the key's row in data_keys from a backup.");

    private async Task<DataKey> MakeFirstAsync(SecretOwner owner, CancellationToken cancellationToken)
    {
        try
        {
            // LockCurrentAsync reads the account again under the lock, because another request may have created the key meanwhile.
            return await db.InOwnerTransactionAsync(owner, token => LockCurrentAsync(owner, token), cancellationToken);
        }
        finally
        {
            // The request reuses this context and must not track these rows.
            db.ChangeTracker.Clear();
        }
    }
}
