using System.Security.Cryptography;
using Microsoft.EntityFrameworkCore;
using Secrets.Application.Common;
using Secrets.Domain.Secrets;
using Secrets.Infrastructure.Persistence;

namespace Secrets.Infrastructure.Encryption;

/// <summary>A data key, unwrapped.</summary>
internal sealed record DataKey(Guid Id, byte[] Bytes)
{
    public override string ToString() => Id.ToString();
}

/// <summary>Finds and makes the data keys that new values of owners are sealed with.</summary>
/// <remarks>
/// An envelope is stored only while its key is the owner's current one, and under the owner's lock. A key that was replaced or deleted while a process still has it in memory
/// seals nothing more that is stored (docs/decisions/0019-keys-are-rotated-online.md).
/// </remarks>
internal sealed class DataKeys(SecretsDbContext db, DataKeyCache cache, DataKeyWrapping wrapping, TimeProvider time)
{
    /// <summary>The key that new values of an owner are sealed with at this moment. It is made, with the owner's account, on first use.</summary>
    /// <exception cref="UnavailableException">It came and went.</exception>
    /// <exception cref="ConflictException">There is one, and it does not unwrap.</exception>
    public async Task<DataKey> CurrentOfAsync(SecretOwner owner, CancellationToken cancellationToken)
    {
        var key = await LoadCurrentAsync(owner, cancellationToken) ?? await MakeFirstAsync(owner, cancellationToken);
        cache.AddCurrent(owner, key);
        return key;
    }

    /// <summary>The same in a transaction that has locked the owner, and until its end.</summary>
    /// <exception cref="ConflictException">There is one, and it does not unwrap.</exception>
    public async Task<DataKey> CurrentOfLockedAsync(SecretOwner owner, CancellationToken cancellationToken)
    {
        if (await LoadCurrentAsync(owner, cancellationToken) is not { } key)
        {
            // Not to be remembered before it is certain that it is stored.
            return Add(owner);
        }

        cache.AddCurrent(owner, key);
        return key;
    }

    /// <summary>Adds a new key of an owner to what the transaction saves; the one that there was is retired before.</summary>
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

    private async Task<DataKey?> LoadCurrentAsync(SecretOwner owner, CancellationToken cancellationToken)
    {
        var (kind, id) = owner;
        var row = await db.DataKeys.AsNoTracking()
            .SingleOrDefaultAsync(row => row.OwnerKind == kind && row.OwnerId == id && row.RetiredAt == null, cancellationToken);
        return row is null
            ? null
            : cache.Find(row.Id)
                ?? wrapping.Unwrap(row)
                ?? throw new ConflictException("The key that seals this owner's values was changed outside the service: nothing can be stored with it.");
    }

    private async Task<DataKey> MakeFirstAsync(SecretOwner owner, CancellationToken cancellationToken)
    {
        try
        {
            return await db.InTransactionAsync(
                async token =>
                {
                    if (!await db.ChargeAsync(owner, 0, long.MaxValue, token))
                    {
                        db.Add(new Owner(owner));
                        return Add(owner);
                    }

                    return await LoadCurrentAsync(owner, token) ?? Add(owner);
                },
                cancellationToken);
        }
        catch (UniqueViolationException)
        {
            // Somebody else made the owner's account at the same moment, and its first key with it.
            return await LoadCurrentAsync(owner, cancellationToken) ?? throw new UnavailableException();
        }
        finally
        {
            db.ChangeTracker.Clear();
        }
    }
}
