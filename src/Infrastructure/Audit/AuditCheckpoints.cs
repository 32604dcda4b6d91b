using System.Security.Cryptography;
using Microsoft.EntityFrameworkCore;
using Secrets.Domain.Audit;
using Secrets.Infrastructure.Persistence;

namespace Secrets.Infrastructure.Audit;

/// <summary>Makes checkpoints of the audit, and finds what is missing since one was made. The caller reads at one moment.</summary>
internal sealed class AuditCheckpoints(AuditKey key, TimeProvider time)
{
    /// <summary>Whether this installation made a checkpoint.</summary>
    public bool IsGenuine(AuditCheckpoint checkpoint) => checkpoint.IsGenuine(key.Bytes);

    /// <summary>Where all chains end whose ends and starts are sound, and whether those are all that there ever were.</summary>
    public async Task<(AuditCheckpoint Checkpoint, bool IsWhole)> MakeAsync(SecretsDbContext db, CancellationToken cancellationToken)
    {
        var writers = await db.AuditWriters.AsNoTracking().ToListAsync(cancellationToken);
        var sound = writers.FindAll(writer => writer.HasSoundHead(key.Bytes) && writer.HasSoundAnchor(key.Bytes));
        var registry = await db.AuditKeys.AsNoTracking().SingleAsync(row => row.Id == AuditKeyRow.OnlyId, cancellationToken);
        var isWhole = sound.Count == registry.Writers
            && writers.Count == sound.Count
            && CryptographicOperations.FixedTimeEquals(registry.Mac, AuditChain.MacOfRegistry(key.Bytes, registry.Writers));
        return (AuditCheckpoint.Of(key.Bytes, time.GetUtcNow(), sound), isWhole);
    }

    /// <summary>What is missing since then.</summary>
    public async Task<List<MissingRows>> FindMissingAsync(SecretsDbContext db, AuditCheckpoint kept, CancellationToken cancellationToken)
    {
        var writers = await db.AuditWriters.AsNoTracking().ToDictionaryAsync(writer => writer.Id, cancellationToken);
        List<MissingRows> missing = [];
        foreach (var head in kept.Heads.Where(head => head.Position.Sequence > 0))
        {
            var writer = writers.GetValueOrDefault(head.Writer);
            var hash = await HashAsync(db, head, writer, cancellationToken);
            if (AuditCheckpoint.MissingFrom(key.Bytes, head, writer, hash) is { } rows)
            {
                missing.Add(rows);
            }
        }

        return missing;
    }

    /// <summary>The hash at the place where a chain ended. Most chains have ended for good, and tell it themselves.</summary>
    private static async Task<byte[]?> HashAsync(SecretsDbContext db, AuditHead head, AuditWriter? writer, CancellationToken cancellationToken)
    {
        var sequence = head.Position.Sequence;
        return sequence == writer?.Sequence ? writer.Hash
            : sequence == writer?.AnchorSequence ? writer.AnchorHash
            : await db.Audit.Where(row => row.Writer == head.Writer && row.Sequence == sequence).Select(row => row.Hash).SingleOrDefaultAsync(cancellationToken);
    }
}
