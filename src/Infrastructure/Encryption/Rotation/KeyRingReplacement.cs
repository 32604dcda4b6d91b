using Microsoft.EntityFrameworkCore;
using Secrets.Domain.Audit;
using Secrets.Infrastructure.Audit;
using Secrets.Infrastructure.Encryption.DataKeys;
using Secrets.Infrastructure.Encryption.Ring;
using Secrets.Infrastructure.Persistence;

namespace Secrets.Infrastructure.Encryption.Rotation;

/// <summary>
/// Replaces the keys of the ring: wraps anew whatever an old one wraps, and removes the old ones later. Several replicas may do it at once.
/// </summary>
internal sealed class KeyRingReplacement(SecretsDbContext db, KeyRing ring, DataKeyWrapping wrapping, AuditKeyLoader auditKey, TimeProvider time)
{
    /// <summary>
    /// How long an old key stays, at least: much longer than any process wraps with it, which reads the ring every minute (<see cref="KeyRotationWorker"/>) and wraps
    /// nothing when it has not done so for an hour (<see cref="KeyRing.Wrap"/>).
    /// </summary>
    public static readonly TimeSpan GracePeriod = TimeSpan.FromDays(2);

    private const int PageSize = 500;

    /// <summary>Goes once through everything that is wrapped; false: keys from before then are still there.</summary>
    public async Task<bool> RunAsync(DateTimeOffset before, CancellationToken cancellationToken)
    {
        ring.Refresh();
        if (IsAnyBefore(before) && await RewrapAsync(before, cancellationToken) && time.GetUtcNow() >= before + GracePeriod)
        {
            await ring.ChangeAsync(db, records => records.WithoutRingKeysBefore(before), AuditEvent.ByService(AuditAction.KeysChange, time.GetUtcNow()), cancellationToken);
        }

        return !IsAnyBefore(before);
    }

    private bool IsAnyBefore(DateTimeOffset moment) => ring.Read().Ring.Any(row => RingKeys.DateOf(row) < moment);

    /// <summary>Whether everything was wrapped with keys that stay already.</summary>
    private async Task<bool> RewrapAsync(DateTimeOffset before, CancellationToken cancellationToken)
    {
        var isDone = await auditKey.RewrapAsync(ring.Without(before), cancellationToken);
        Guid? after = Guid.Empty;
        while (after is { } last)
        {
            // Each page has them read again: keys may go while a pass takes its time.
            var survivors = ring.Without(before);
            (after, var isPageDone) = await db.InTransactionAsync(token => RewrapPageAsync(survivors, last, token), cancellationToken);
            isDone &= isPageDone;
        }

        return isDone;
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
                // Unless another replica was first.
                await db.DataKeys.Where(other => other.Id == row.Id && other.Wrapped == row.Wrapped)
                    .ExecuteUpdateAsync(set => set.SetProperty(other => other.Wrapped, wrapped), cancellationToken);
            }
        }

        return (page.Count == PageSize ? page[^1].Id : null, isDone);
    }
}
