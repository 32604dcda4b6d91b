using System.Linq.Expressions;
using System.Runtime.CompilerServices;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Logging;
using Secrets.Application.Common;
using Secrets.Domain.Secrets;
using Secrets.Infrastructure.Persistence;

namespace Secrets.Infrastructure.Encryption;

/// <summary>
/// Replaces data keys: retires each, seals its values anew with another, and removes it. Owner by owner and in small transactions that hold the owner's lock, so whatever
/// was done is done, and several replicas may do it at once.
/// </summary>
internal sealed partial class DataKeyReplacement(
    SecretsDbContext db, DataKeys keys, DataKeyWrapping wrapping, TimeProvider time, ILogger<DataKeyReplacement> logger)
{
    /// <summary>Values of one transaction, for which writes of the same owner may have to wait.</summary>
    public const int BatchSize = 100;

    private const int PageSize = 500;

    /// <summary>How long a retired key stays after the last value was sealed anew, at least: whoever has read an envelope finds the key that it was sealed with.</summary>
    public static readonly TimeSpan Stay = 2 * DataKeyCache.Lifetime;

    /// <summary>Goes through all keys that were made before then once; false: some are still there.</summary>
    public async Task<bool> RunAsync(DateTimeOffset before, CancellationToken cancellationToken)
    {
        await foreach (var row in RowsAsync(row => row.RetiredAt == null && row.CreatedAt < before, cancellationToken))
        {
            if (await ReplaceAsync(row, cancellationToken))
            {
                await TryResealAsync(row, cancellationToken);
            }
        }

        var retiredBefore = time.GetUtcNow() - Stay;
        await foreach (var row in RowsAsync(row => row.RetiredAt < retiredBefore, cancellationToken))
        {
            // If it is still needed, whoever retired it came no further, or something does not open.
            if (!await RemoveAsync(row, retiredBefore, cancellationToken) && !await TryResealAsync(row, cancellationToken))
            {
                Needed(row.Id, row.OwnerId);
            }
        }

        return !await db.DataKeys.AnyAsync(row => row.CreatedAt < before, cancellationToken);
    }

    private static SecretOwner OwnerOf(DataKeyRow row) => new(row.OwnerKind, row.OwnerId);

    private async IAsyncEnumerable<DataKeyRow> RowsAsync(
        Expression<Func<DataKeyRow, bool>> those, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        List<DataKeyRow> page;
        var last = Guid.Empty;
        do
        {
            var after = last;
            page = await db.DataKeys.AsNoTracking().Where(those).Where(row => row.Id > after).OrderBy(row => row.Id).Take(PageSize).ToListAsync(cancellationToken);
            foreach (var row in page)
            {
                last = row.Id;
                yield return row;
            }
        }
        while (page.Count == PageSize);
    }

    /// <summary>Retires a key and makes the next; false: another replica did, and goes on with it.</summary>
    private Task<bool> ReplaceAsync(DataKeyRow row, CancellationToken cancellationToken) =>
        db.InTransactionAsync(
            async token =>
            {
                await LockAsync(row, token);
                var now = time.GetUtcNow();
                var mine = await db.DataKeys.Where(key => key.Id == row.Id && key.RetiredAt == null)
                    .ExecuteUpdateAsync(set => set.SetProperty(key => key.RetiredAt, now), token) > 0;
                if (mine)
                {
                    keys.Add(OwnerOf(row));
                }

                return mine;
            },
            cancellationToken);

    /// <summary>Seals with the owner's current key whatever opens with this one; whether there was anything.</summary>
    private async Task<bool> TryResealAsync(DataKeyRow row, CancellationToken cancellationToken)
    {
        try
        {
            return wrapping.Unwrap(row) is { } retired && await ResealAsync(row, retired, cancellationToken);
        }
        catch (ConflictException)
        {
            // The owner's current key does not unwrap, which is logged. Other owners are none the worse for it.
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

    /// <summary>The last secret of the batch, where there may be more behind it, and how many were sealed anew.</summary>
    private async Task<((DateTimeOffset At, Guid Id)? Last, int Count)> ResealBatchAsync(
        DataKeyRow row, DataKey retired, (DateTimeOffset At, Guid Id) after, CancellationToken cancellationToken)
    {
        await LockAsync(row, cancellationToken);
        var current = await keys.CurrentOfLockedAsync(OwnerOf(row), cancellationToken);
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
            // Its time begins when nothing new is sealed with it, and nothing old any more.
            var now = time.GetUtcNow();
            await db.DataKeys.Where(key => key.Id == row.Id).ExecuteUpdateAsync(set => set.SetProperty(key => key.RetiredAt, now), cancellationToken);
        }

        return (batch.Count == BatchSize ? (batch[^1].CreatedAt, batch[^1].Id) : null, count);
    }

    /// <summary>Removes a retired key unless something is still sealed with it.</summary>
    private async Task<bool> RemoveAsync(DataKeyRow row, DateTimeOffset retiredBefore, CancellationToken cancellationToken)
    {
        var needing = SealedWith(row);
        return await db.DataKeys.Where(key => key.Id == row.Id && key.RetiredAt < retiredBefore && !needing.Any()).ExecuteDeleteAsync(cancellationToken) > 0;
    }

    /// <summary>The owner's secrets whose envelope names this key (<see cref="Envelope"/>: from its second byte, 16).</summary>
    private IQueryable<Secret> SealedWith(DataKeyRow row)
    {
        var (kind, owner, id) = (row.OwnerKind, row.OwnerId, row.Id.ToByteArray(bigEndian: true));
        return db.Secrets.FromSql($"SELECT * FROM secrets WHERE substring(envelope, 2, 16) = {id}")
            .Where(secret => secret.OwnerKind == kind && secret.OwnerId == owner);
    }

    private Task<bool> LockAsync(DataKeyRow row, CancellationToken cancellationToken) => db.ChargeAsync(OwnerOf(row), 0, long.MaxValue, cancellationToken);

    [LoggerMessage(Level = LogLevel.Error, Message = "Secret {SecretId} of {Owner} cannot be sealed anew, because it does not open: its row was changed outside the service")]
    private partial void Broken(Guid secretId, string owner);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The retired data key {KeyId} of {Owner} stays: something is still sealed with it")]
    private partial void Needed(Guid keyId, string owner);
}
