using Microsoft.EntityFrameworkCore;
using Secrets.Domain.Secrets;
using Secrets.Infrastructure.Audit;
using Secrets.Infrastructure.Persistence;

namespace Secrets.Infrastructure.Encryption;

/// <summary>
/// Replaces the keys of the ring: wraps anew whatever an old one wraps, which takes moments, and removes the old ones later. Several replicas may do
/// it at once.
/// </summary>
internal sealed class KeyRingReplacement(SecretsDbContext db, KeyRing ring, DataKeyWrapping wrapping, AuditKeyLoader auditKey, TimeProvider time)
{
    /// <summary>
    /// How long an old key stays, at least. A replica that does not hear of the new one (<see cref="KeyRotationWorker"/>) goes on wrapping with an old one, but
    /// Data Protection has it load the ring again after a day.
    /// </summary>
    public static readonly TimeSpan Stay = TimeSpan.FromDays(2);

    private const int PageSize = 500;

    /// <summary>Goes once through everything that is wrapped; false: keys from before then are still there.</summary>
    public async Task<bool> RunAsync(DateTimeOffset before, CancellationToken cancellationToken)
    {
        ring.Reload();
        if (ring.CountBefore(before) > 0 && await RewrapAsync(cancellationToken) && time.GetUtcNow() >= before + Stay)
        {
            ring.RemoveBefore(before);
        }

        return ring.CountBefore(before) == 0;
    }

    /// <summary>Whether nothing had to be wrapped anew, and everything could be told.</summary>
    private async Task<bool> RewrapAsync(CancellationToken cancellationToken)
    {
        var isAsItShouldBe = await auditKey.RewrapAsync(cancellationToken);
        var last = Guid.Empty;
        List<DataKeyRow> page;
        do
        {
            var after = last;
            page = await db.DataKeys.AsNoTracking().Where(row => row.Id > after).OrderBy(row => row.Id).Take(PageSize).ToListAsync(cancellationToken);
            foreach (var row in page)
            {
                last = row.Id;
                var opened = wrapping.Open(row);
                isAsItShouldBe &= opened is { IsOutdated: false };
                if (opened is { IsOutdated: true, Key: var key })
                {
                    var wrapped = wrapping.Wrap(new SecretOwner(row.OwnerKind, row.OwnerId), key);
                    await db.DataKeys.Where(other => other.Id == row.Id && other.Wrapped == row.Wrapped)
                        .ExecuteUpdateAsync(set => set.SetProperty(other => other.Wrapped, wrapped), cancellationToken);
                }
            }
        }
        while (page.Count == PageSize);

        return isAsItShouldBe;
    }
}
