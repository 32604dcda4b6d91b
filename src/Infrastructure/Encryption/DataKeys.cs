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
internal sealed class DataKeys(SecretsDbContext db, DataKeyCache cache, DataKeyWrapping wrapping, TimeProvider time, IDatabaseFaults faults)
{
    /// <summary>The key that new values of an owner are sealed with. It is made, with the owner's account, on first use.</summary>
    /// <exception cref="UnavailableException">It would have to be made in the middle of a transaction.</exception>
    /// <exception cref="ConflictException">There is one, and it does not unwrap.</exception>
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
            : wrapping.Unwrap(row) ?? throw new ConflictException("The key that seals this owner's values was changed outside the service: nothing can be stored with it.");
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
