using System.Security.Cryptography;
using Microsoft.EntityFrameworkCore;
using Secrets.Domain.Audit;
using Secrets.Infrastructure.Persistence;
using Secrets.Infrastructure.Persistence.Rows;

namespace Secrets.Infrastructure.Audit;

/// <summary>Makes checkpoints of the audit, and finds what is missing since one was made. The caller reads at one moment.</summary>
internal sealed class AuditCheckpoints(AuditKey key, TimeProvider time)
{
    /// <summary>Whether this installation made a checkpoint.</summary>
    public bool IsGenuine(AuditCheckpoint checkpoint) => checkpoint.IsGenuine(key.Bytes);

    /// <summary>Where all chains end whose ends are sound, of those that were ever begun; null: how many those are was changed.</summary>
    public async Task<AuditCheckpoint?> MakeAsync(SecretsDbContext db, CancellationToken cancellationToken)
    {
        var registry = await db.AuditKeys.AsNoTracking().SingleOrDefaultAsync(row => row.Id == AuditKeyRow.OnlyId, cancellationToken);
        if (registry is null || !CryptographicOperations.FixedTimeEquals(registry.Mac, AuditChain.MacOfRegistry(key.Bytes, registry.Writers)))
        {
            return null;
        }

        var writers = await db.AuditWriters.AsNoTracking().ToListAsync(cancellationToken);
        return AuditCheckpoint.FromWriters(key.Bytes, time.GetUtcNow(), registry.Writers, writers.Where(IsSound));
    }

    /// <summary>Replaces a number of chains that does not verify with the number of the last chain.</summary>
    public async Task AcceptCountAsync(SecretsDbContext db, CancellationToken cancellationToken)
    {
        await db.AuditKeys.ExecuteUpdateAsync(set => set.SetProperty(row => row.Writers, row => row.Writers), cancellationToken);
        var registry = await db.AuditKeys.AsNoTracking().SingleAsync(row => row.Id == AuditKeyRow.OnlyId, cancellationToken);
        if (!CryptographicOperations.FixedTimeEquals(registry.Mac, AuditChain.MacOfRegistry(key.Bytes, registry.Writers)))
        {
            var count = await db.AuditWriters.MaxAsync(writer => (long?)writer.Number, cancellationToken) ?? 0;
            var mac = AuditChain.MacOfRegistry(key.Bytes, count);
            await db.AuditKeys.ExecuteUpdateAsync(set => set.SetProperty(row => row.Writers, count).SetProperty(row => row.Mac, mac), cancellationToken);
        }
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

    private bool IsSound(AuditWriter writer) => writer.HasSoundHead(key.Bytes) && writer.HasSoundAnchor(key.Bytes);

    /// <summary>The hash at the place where a chain ended. Most chains have ended for good, and tell it themselves.</summary>
    private static async Task<byte[]?> HashAsync(SecretsDbContext db, AuditHead head, AuditWriter? writer, CancellationToken cancellationToken)
    {
        var sequence = head.Position.Sequence;
        return sequence == writer?.Sequence ? writer.Hash
            : sequence == writer?.AnchorSequence ? writer.AnchorHash
            : await db.Audit.Where(row => row.Writer == head.Writer && row.Sequence == sequence).Select(row => row.Hash).SingleOrDefaultAsync(cancellationToken);
    }
}
