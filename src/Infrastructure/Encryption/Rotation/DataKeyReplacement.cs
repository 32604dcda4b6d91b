using System.Linq.Expressions;
using System.Runtime.CompilerServices;
using Secrets.Infrastructure.Encryption.DataKeys;
using Secrets.Infrastructure.Integrity;
using Secrets.Infrastructure.Persistence;
using Secrets.Infrastructure.Persistence.Rows;
using Secrets.Infrastructure.Transactions;

namespace Secrets.Infrastructure.Encryption.Rotation;

/// <summary>
/// Replaces data keys: retires a key, seals its values again with another, then removes it. Small transactions under the owner's lock make the work
/// resumable and safe on several replicas at once.
/// </summary>
internal sealed partial class DataKeyReplacement(
    SecretsDbContext db, CurrentDataKeys keys, DataKeyWrapping wrapping, TimeProvider time, ILogger<DataKeyReplacement> logger)
{
    /// <summary>Values sealed in one transaction. Writes of the same owner wait for it.</summary>
    public const int BatchSize = 100;

    private const int PageSize = 500;

    /// <summary>How long a retired key stays after its last value was sealed again. Requests that have read the old envelope still need the key.</summary>
    public static readonly TimeSpan GracePeriod = 2 * DataKeyCache.Lifetime;

    /// <summary>Makes one pass over the keys made before this moment. Returns false while some are left.</summary>
    public async Task<bool> RunAsync(DateTimeOffset before, CancellationToken cancellationToken)
    {
        await foreach (var row in RowsAsync(row => row.RetiredAt == null && row.CreatedAt < before, cancellationToken))
        {
            if (await IfVerifiedAsync(() => ReplaceAsync(row, cancellationToken)))
            {
                await TryResealAsync(row, cancellationToken);
            }
        }

        var retiredBefore = time.GetUtcNow() - GracePeriod;
        await foreach (var row in RowsAsync(row => row.RetiredAt < retiredBefore, cancellationToken))
        {
            // A retired key is still needed if a replica stopped before it had sealed all values again, or if a value does not open.
            if (!await IfVerifiedAsync(() => RemoveAsync(row, retiredBefore, cancellationToken)) && !await TryResealAsync(row, cancellationToken))
            {
                Needed(row.Id, row.OwnerId);
            }
        }

        return !await db.DataKeys.AnyAsync(row => row.CreatedAt < before, cancellationToken) && await AreAllNewAsync(before, cancellationToken);
    }

    /// <summary>
    /// Whether all owners verify and have only keys made since this moment. The pass selects keys by their unverified rows: an attacker may have moved a date or
    /// removed a row for a while.
    /// </summary>
    private Task<bool> AreAllNewAsync(DateTimeOffset before, CancellationToken cancellationToken) =>
        AllOwners.AreDoneAsync(db, key => key.CreatedAt >= before, cancellationToken);

    private static SecretOwner OwnerOf(DataKeyRow row) => new(row.OwnerKind, row.OwnerId);

    private async IAsyncEnumerable<DataKeyRow> RowsAsync(
        Expression<Func<DataKeyRow, bool>> filter, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        List<DataKeyRow> page;
        var last = Guid.Empty;
        do
        {
            var after = last;
            var read = await db.DataKeys.AsNoTracking().Where(filter).Where(row => row.Id > after).OrderBy(row => row.Id).Take(PageSize)
                // Moments are not selected: an unreadable one must not block the replacement of other keys.
                .Select(row => new { row.Id, row.OwnerKind, row.OwnerId, row.Wrapped })
                .ToListAsync(cancellationToken);

            // The placeholder for the moment stays out of the query, because SQL Server would return it as text.
            page = read.ConvertAll(row => new DataKeyRow { Id = row.Id, OwnerKind = row.OwnerKind, OwnerId = row.OwnerId, Wrapped = row.Wrapped, CreatedAt = default });
            foreach (var row in page)
            {
                last = row.Id;
                yield return row;
            }
        }
        while (page.Count == PageSize);
    }

    /// <summary>Retires a key and makes its successor. Returns false if another replica has retired it and seals its values again.</summary>
    private Task<bool> ReplaceAsync(DataKeyRow row, CancellationToken cancellationToken) =>
        db.InTransactionAsync(
            async token =>
            {
                var locked = await db.LockAndVerifyAsync(OwnerOf(row), token);
                var mine = locked.CurrentKey?.Id == row.Id;
                if (mine)
                {
                    await RetireAsync(row, token);
                    keys.AddNewKey(OwnerOf(row));
                }

                return mine;
            },
            cancellationToken);

    /// <summary>Seals values of this key again with the owner's current key. Returns whether any value was sealed.</summary>
    private async Task<bool> TryResealAsync(DataKeyRow row, CancellationToken cancellationToken) =>
        wrapping.Unwrap(row) is { } retired && await IfVerifiedAsync(() => ResealAsync(row, retired, cancellationToken));

    /// <summary>
    /// Returns false if the owner's rows do not verify or the current key does not unwrap. That is logged already, and the pass continues with other owners.
    /// </summary>
    private static async Task<bool> IfVerifiedAsync(Func<Task<bool>> work)
    {
        try
        {
            return await work();
        }
        catch (Exception exception) when (exception is ConflictException or TamperedOwnerException)
        {
            return false;
        }
    }

    private async Task<bool> ResealAsync(DataKeyRow row, DataKey retired, CancellationToken cancellationToken)
    {
        var resealed = 0;
        (DateTimeOffset At, Guid Id)? after = (DateTimeOffset.MinValue, Guid.Empty);
        while (after is { } last)
        {
            (after, var count) = await db.InTransactionAsync(token => ResealBatchAsync(row, retired, last, token), cancellationToken);
            resealed += count;
        }

        return resealed > 0;
    }

    /// <summary>Returns the last secret of a full batch, or null after the last batch, and the number of values sealed again.</summary>
    private async Task<((DateTimeOffset At, Guid Id)? Last, int Count)> ResealBatchAsync(
        DataKeyRow row, DataKey retired, (DateTimeOffset At, Guid Id) after, CancellationToken cancellationToken)
    {
        var current = await keys.LockCurrentAsync(OwnerOf(row), cancellationToken);
        var (at, id) = after;
        var batch = await SealedWith(row)
            .Where(secret => secret.CreatedAt >= at && (secret.CreatedAt > at || secret.Id > id))
            .OrderBy(secret => secret.CreatedAt).ThenBy(secret => secret.Id).Take(BatchSize).ToListAsync(cancellationToken);
        var count = 0;
        foreach (var secret in batch)
        {
            if (Envelope.Reseal(retired.Bytes, secret.Placement, secret.Envelope, current.Id, current.Bytes) is { } envelope)
            {
                secret.Reseal(envelope);
                count++;
            }
            else
            {
                Broken(secret.Id, row.OwnerId);
            }
        }

        if (count > 0)
        {
            // The grace period starts once no secret uses this key.
            await RetireAsync(row, cancellationToken);
        }

        return (batch.Count == BatchSize ? (batch[^1].CreatedAt, batch[^1].Id) : null, count);
    }

    /// <summary>Removes a retired key unless a value is still sealed with it.</summary>
    private Task<bool> RemoveAsync(DataKeyRow row, DateTimeOffset retiredBefore, CancellationToken cancellationToken) =>
        db.InTransactionAsync(
            async token =>
            {
                var locked = await db.LockAndVerifyAsync(OwnerOf(row), token);
                if (locked.DataKeys.FirstOrDefault(key => key.Id == row.Id) is not { } retired
                    || !(retired.RetiredAt < retiredBefore)
                    || locked.Secrets.Any(secret => Envelope.KeyIdOf(secret.Envelope) == row.Id))
                {
                    return false;
                }

                db.DataKeys.Remove(await FindAsync(row, token));
                return true;
            },
            cancellationToken);

    /// <summary>Retires a key. Saved at once, because the database allows one unretired key for each owner.</summary>
    private async Task RetireAsync(DataKeyRow row, CancellationToken cancellationToken)
    {
        (await FindAsync(row, cancellationToken)).RetiredAt = time.GetUtcNow();
        await db.SaveChangesAsync(cancellationToken);
    }

    private Task<DataKeyRow> FindAsync(DataKeyRow row, CancellationToken cancellationToken) => db.DataKeys.SingleAsync(key => key.Id == row.Id, cancellationToken);

    /// <summary>The owner's secrets whose envelope names this key (<see cref="Envelope"/>: 16 bytes from the second).</summary>
    private IQueryable<Secret> SealedWith(DataKeyRow row)
    {
        var (kind, owner, id) = (row.OwnerKind, row.OwnerId, row.Id.ToByteArray(bigEndian: true));
        return db.Secrets.FromSql($"SELECT * FROM secrets WHERE substring(envelope, 2, 16) = {id}")
            .Where(secret => secret.OwnerKind == kind && secret.OwnerId == owner);
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "Secret {SecretId} of {Owner} cannot be sealed again because it does not open: its row was changed outside the service")]
    private partial void Broken(Guid secretId, string owner);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Retired data key {KeyId} of {Owner} was not removed: a value still uses it, or the rows do not verify")]
    private partial void Needed(Guid keyId, string owner);
}
