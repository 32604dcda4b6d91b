using Secrets.Infrastructure.Audit;
using Secrets.Infrastructure.Encryption.DataKeys;
using Secrets.Infrastructure.Encryption.Ring;
using Secrets.Infrastructure.Integrity;
using Secrets.Infrastructure.Persistence;

namespace Secrets.Infrastructure.Encryption.Rotation;

/// <summary>Replaces the keys of the ring: wraps all keys again, and removes the old ring keys later. Safe on several replicas at once.</summary>
internal sealed class KeyRingReplacement(SecretsDbContext db, KeyRing ring, DataKeyWrapping wrapping, AuditKeyLoader auditKey, TimeProvider time)
{
    /// <summary>
    /// How long an old ring key stays. It must be longer than any process may still wrap with the key: a process reads the ring every minute
    /// (<see cref="KeyRotationWorker"/>) and refuses to wrap after an hour without a read (<see cref="KeyRing.Wrap"/>).
    /// </summary>
    public static readonly TimeSpan GracePeriod = TimeSpan.FromDays(2);

    private const int PageSize = 500;

    /// <summary>Makes one pass over all wrapped keys. Returns false while ring keys made before this moment are left.</summary>
    public async Task<bool> RunAsync(DateTimeOffset before, CancellationToken cancellationToken)
    {
        ring.Refresh();
        if (IsAnyBefore(before)
            && await RewrapAsync(before, cancellationToken)
            && time.GetUtcNow() >= before + GracePeriod
            && await AreAllRewrappedAsync(before, cancellationToken))
        {
            await ring.ChangeAsync(db, records => records.WithoutRingKeysBefore(before), AuditEvent.ByService(AuditAction.KeysChange, time.GetUtcNow()), cancellationToken);
        }

        return !IsAnyBefore(before);
    }

    private bool IsAnyBefore(DateTimeOffset moment) => ring.Read().Ring.Any(row => RingKeys.DateOf(row) < moment);

    /// <summary>Wraps keys again where needed. Returns true if no key needed it.</summary>
    private async Task<bool> RewrapAsync(DateTimeOffset before, CancellationToken cancellationToken)
    {
        var isDone = await auditKey.RewrapAsync(ring.Without(before), cancellationToken);
        Guid? after = Guid.Empty;
        while (after is { } last)
        {
            // Read again for each page: ring keys may be removed during a long pass.
            var survivors = ring.Without(before);
            (after, var isPageDone) = await db.InTransactionAsync(token => RewrapPageAsync(survivors, last, token), cancellationToken);
            isDone &= isPageDone;
        }

        return isDone;
    }

    /// <summary>
    /// Whether all owners verify, and the surviving ring keys open all of their data keys. The pass reads unverified rows: an attacker may have removed one for a
    /// while, and no other ring key would open it.
    /// </summary>
    private Task<bool> AreAllRewrappedAsync(DateTimeOffset before, CancellationToken cancellationToken)
    {
        var survivors = ring.Without(before);
        return AllOwners.AreDoneAsync(db, key => wrapping.Rewrap(key, survivors).IsDone, cancellationToken);
    }

    private async Task<(Guid? Last, bool IsDone)> RewrapPageAsync(LoadedRing survivors, Guid after, CancellationToken cancellationToken)
    {
        var page = await db.DataKeys.AsNoTracking().Where(row => row.Id > after).OrderBy(row => row.Id).Take(PageSize).ToListAsync(cancellationToken);
        var isDone = true;
        foreach (var row in page)
        {
            var rewrapping = wrapping.Rewrap(row, survivors);
            isDone &= rewrapping.IsDone;
            if (rewrapping.Wrapped is { } wrapped)
            {
                // Updates nothing if another replica was faster.
                await db.DataKeys.Where(other => other.Id == row.Id && other.Wrapped == row.Wrapped)
                    .ExecuteUpdateAsync(set => set.SetProperty(other => other.Wrapped, wrapped), cancellationToken);
            }
        }

        return (page.Count == PageSize ? page[^1].Id : null, isDone);
    }
}
