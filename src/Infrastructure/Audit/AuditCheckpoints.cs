using System.Security.Cryptography;
using Secrets.Application.Audit;
using Secrets.Infrastructure.Persistence;
using Secrets.Infrastructure.Persistence.Rows;

namespace Secrets.Infrastructure.Audit;

/// <summary>Makes checkpoints of the audit, and finds rows that are missing since a checkpoint. The caller provides a snapshot.</summary>
internal sealed class AuditCheckpoints(AuditKey key, AuditWriters writers, AuditRowVerifier rows, TimeProvider time)
{
    // The latest acceptances are read. Forged rows can push a genuine one out: then missing rows are reported until a restart.
    private const int MaxAcceptances = 100;

    /// <summary>The chains as this process left them. Take them before the snapshot that is compared with them.</summary>
    public IReadOnlyList<AuditHead> OwnHeads => writers.Ends;

    /// <inheritdoc cref="AuditWriters.ForgetEnds" />
    public void ForgetOwnHeads() => writers.ForgetEnds();

    public bool IsGenuine(AuditCheckpoint checkpoint) => checkpoint.IsGenuine(key.Bytes);

    /// <summary>Whether an operator accepted the database after a moment: the audit has a genuine row of the acceptance. Needs no snapshot.</summary>
    public async Task<bool> IsAcceptedSinceAsync(SecretsDbContext db, DateTimeOffset moment, CancellationToken cancellationToken)
    {
        try
        {
            var acceptances = await db.Audit.AsNoTracking()
                .Where(row => row.Actor == Guid.Empty && row.At > moment && row.Action == AuditAction.IntegrityAccept && row.OwnerId == null)
                .OrderByDescending(row => row.At).Take(MaxAcceptances).ToListAsync(cancellationToken);
            foreach (var row in acceptances)
            {
                if (await rows.IsGenuineAsync(db, row, cancellationToken))
                {
                    return true;
                }
            }

            return false;
        }
        catch (Exception exception) when (AuditRows.AreUnreadable(exception))
        {
            // The comparison must run: somebody could insert such a row to prevent it.
            return false;
        }
    }

    /// <summary>A checkpoint of all chains whose anchor and head verify. Null if the number of chains was changed outside the service.</summary>
    public async Task<AuditCheckpoint?> MakeAsync(SecretsDbContext db, CancellationToken cancellationToken)
    {
        var registry = await db.AuditKeys.AsNoTracking().SingleOrDefaultAsync(row => row.Id == AuditKeyRow.OnlyId, cancellationToken);
        if (registry is null || !CryptographicOperations.FixedTimeEquals(registry.Mac, AuditChain.MacOfRegistry(key.Bytes, registry.Writers)))
        {
            return null;
        }

        // A chain counts even if an older registry was put back: otherwise that chain could be hidden until its rows are removed.
        var stored = await db.AuditWriters.AsNoTracking().ToListAsync(cancellationToken);
        return AuditCheckpoint.FromWriters(key.Bytes, time.GetUtcNow(), Math.Max(registry.Writers, stored.Count), stored.Where(IsSound));
    }

    /// <summary>If the stored number of chains does not verify, replaces it with the highest chain number.</summary>
    public async Task AcceptCountAsync(SecretsDbContext db, CancellationToken cancellationToken)
    {
        var registry = await db.AuditKeys.AsNoTracking().SingleAsync(row => row.Id == AuditKeyRow.OnlyId, cancellationToken);
        if (!CryptographicOperations.FixedTimeEquals(registry.Mac, AuditChain.MacOfRegistry(key.Bytes, registry.Writers)))
        {
            var count = await db.AuditWriters.MaxAsync(writer => (long?)writer.Number, cancellationToken) ?? 0;
            var mac = AuditChain.MacOfRegistry(key.Bytes, count);
            await db.AuditKeys.Where(row => row.Mac == registry.Mac)
                .ExecuteUpdateAsync(set => set.SetProperty(row => row.Writers, count).SetProperty(row => row.Mac, mac), cancellationToken);
        }
    }

    /// <summary>The rows that one of these heads covers and the audit lacks, merged per chain.</summary>
    public async Task<List<MissingRows>> FindMissingAsync(SecretsDbContext db, IReadOnlyList<AuditHead> heads, CancellationToken cancellationToken)
    {
        var stored = await db.AuditWriters.AsNoTracking().ToDictionaryAsync(writer => writer.Id, cancellationToken);
        List<MissingRows> missing = [];
        foreach (var head in heads.Where(head => head.Position.Sequence > 0))
        {
            var writer = stored.GetValueOrDefault(head.Writer);
            var hash = await HashAsync(db, head, writer, cancellationToken);
            if (AuditCheckpoint.MissingFrom(key.Bytes, head, writer, hash) is { } rows)
            {
                missing.Add(rows);
            }
        }

        return [.. missing.GroupBy(rows => rows.Writer, (_, all) => all.MaxBy(rows => rows.Last)!)];
    }

    private bool IsSound(AuditWriter writer) => writer.HasSoundHead(key.Bytes) && writer.HasSoundAnchor(key.Bytes);

    /// <summary>The hash of the row at a checkpoint's head. Finished chains, which are most, have that hash in their own row, so they need no query.</summary>
    private static async Task<byte[]?> HashAsync(SecretsDbContext db, AuditHead head, AuditWriter? writer, CancellationToken cancellationToken)
    {
        var sequence = head.Position.Sequence;
        return sequence == writer?.Sequence ? writer.Hash
            : sequence == writer?.AnchorSequence ? writer.AnchorHash
            : await db.Audit.Where(row => row.Writer == head.Writer && row.Sequence == sequence).Select(row => row.Hash)
                .SingleOrDefaultAsync(cancellationToken);
    }
}
