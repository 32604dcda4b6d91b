using System.Security.Cryptography;
using Microsoft.EntityFrameworkCore;
using Secrets.Application.Audit;
using Secrets.Application.Common;
using Secrets.Domain.Audit;
using Secrets.Infrastructure.Persistence;

namespace Secrets.Infrastructure.Audit;

/// <summary>Recomputes every chain, from where it starts to where it ends (docs/decisions/0007-audit-chain.md).</summary>
internal sealed class AuditVerifier(SecretsDbContext db, AuditKey key) : IAuditVerifier
{
    // One moment: else a chain could be longer than its head, or shorter than its start, for the time between two queries.
    public Task<AuditVerdict> VerifyAsync(CancellationToken cancellationToken) => db.AtOneMomentAsync(() => CheckAsync(cancellationToken), cancellationToken);

    private async Task<AuditVerdict> CheckAsync(CancellationToken cancellationToken)
    {
        var writers = await db.AuditWriters.AsNoTracking().OrderBy(writer => writer.Number).ToListAsync(cancellationToken);
        var rows = 0L;
        var broken = await FirstMissingAsync(writers, cancellationToken);
        foreach (var writer in writers)
        {
            var (read, wrong) = await CheckAsync(writer, cancellationToken);
            rows += read;
            broken ??= wrong;
        }

        var (strangers, first) = await StrangersAsync(cancellationToken);
        return new AuditVerdict(rows + strangers, broken ?? first);
    }

    /// <summary>Whether all writers are there that ever were.</summary>
    private async Task<AuditPlace?> FirstMissingAsync(List<AuditWriter> writers, CancellationToken cancellationToken)
    {
        for (var at = 0; at < writers.Count; at++)
        {
            if (writers[at].Number != at + 1)
            {
                return new AuditPlace(Guid.Empty, at + 1);
            }
        }

        var registry = await db.AuditKeys.AsNoTracking().SingleOrDefaultAsync(cancellationToken);
        return registry is not null
            && registry.Writers == writers.Count
            && CryptographicOperations.FixedTimeEquals(registry.Mac, AuditChain.MacOfRegistry(key.Bytes, writers.Count))
            ? null
            : new AuditPlace(Guid.Empty, writers.Count + 1);
    }

    private async Task<(long Read, AuditPlace? Broken)> CheckAsync(AuditWriter writer, CancellationToken cancellationToken)
    {
        var read = 0L;
        var position = writer.Anchor;
        var follows = writer.HasSoundAnchor(key.Bytes);
        var rows = db.Audit.AsNoTracking().Where(row => row.Writer == writer.Id).OrderBy(row => row.Sequence).AsAsyncEnumerable();
        try
        {
            await foreach (var row in rows.WithCancellation(cancellationToken))
            {
                read++;
                follows = follows && AuditChain.Follows(key.Bytes, writer.Id, position, row);
                if (follows)
                {
                    position = new AuditPosition(row.Sequence, row.Hash);
                }
            }
        }
        catch (Exception exception) when (AuditRows.AreUnreadable(exception))
        {
            follows = false;
        }

        return follows && position.Sequence == writer.Sequence && writer.HasSoundHead(key.Bytes)
            ? (read, null)
            : (read, new AuditPlace(writer.Id, position.Sequence + 1));
    }

    /// <summary>Rows of writers that there are not.</summary>
    private async Task<(long Read, AuditPlace? First)> StrangersAsync(CancellationToken cancellationToken)
    {
        var strangers = db.Audit.Where(row => !db.AuditWriters.Any(writer => writer.Id == row.Writer));
        var first = await strangers.OrderBy(row => row.Writer).ThenBy(row => row.Sequence)
            .Select(row => new AuditPlace(row.Writer, row.Sequence))
            .FirstOrDefaultAsync(cancellationToken);
        return (first is null ? 0 : await strangers.LongCountAsync(cancellationToken), first);
    }
}
