using System.Security.Cryptography;

namespace Secrets.Domain.Audit;

/// <summary>The end of one chain of the audit.</summary>
/// <param name="Writer">The chain's writer.</param>
/// <param name="Position">The last row at that moment.</param>
public readonly record struct AuditHead(Guid Writer, AuditPosition Position);

/// <summary>
/// The ends of all chains of the audit at one moment, authenticated with the audit's key.
/// A checkpoint kept outside the database shows later which rows are missing.
/// </summary>
/// <param name="At">The moment.</param>
/// <param name="Count">Number of chains, those with unsound ends included.</param>
/// <param name="Heads">The ends of all sound chains, oldest chain first. Unsound chains are missing only if an operator accepted them.</param>
/// <param name="Mac">See <see cref="AuditChain.MacOfCheckpoint"/>.</param>
public sealed record AuditCheckpoint(DateTimeOffset At, long Count, IReadOnlyList<AuditHead> Heads, byte[] Mac)
{
    /// <summary>Number of chains that the checkpoint does not cover.</summary>
    public long Unsound => Count - Heads.Count;

    /// <summary>The checkpoint of sound chains.</summary>
    public static AuditCheckpoint FromWriters(ReadOnlySpan<byte> key, DateTimeOffset now, long count, IEnumerable<AuditWriter> writers)
    {
        var at = new DateTimeOffset(now.UtcTicks - (now.UtcTicks % TimeSpan.TicksPerMicrosecond), TimeSpan.Zero);
        List<AuditHead> heads = [.. writers.OrderBy(writer => writer.Number).Select(writer => new AuditHead(writer.Id, writer.Head))];
        return new AuditCheckpoint(at, count, heads, AuditChain.MacOfCheckpoint(key, at, count, heads));
    }

    /// <summary>Whether the MAC is correct.</summary>
    public bool IsGenuine(ReadOnlySpan<byte> key) =>
        CryptographicOperations.FixedTimeEquals(Mac, AuditChain.MacOfCheckpoint(key, At, Count, Heads));

    /// <summary>The rows that a chain has lost since the checkpoint; null: none. Rows removed because of their age do not count.</summary>
    /// <param name="key">The audit's key.</param>
    /// <param name="head">The end of the chain in the checkpoint.</param>
    /// <param name="writer">The chain now; null: missing.</param>
    /// <param name="hashOfRow">The present hash of the row that was last in the checkpoint; null: the row is missing.</param>
    public static MissingRows? MissingFrom(ReadOnlySpan<byte> key, AuditHead head, AuditWriter? writer, byte[]? hashOfRow)
    {
        var (sequence, hash) = head.Position;
        if (writer is null || !writer.HasSoundHead(key) || !writer.HasSoundAnchor(key))
        {
            return new MissingRows(head.Writer, 1, sequence);
        }

        if (writer.Sequence < sequence)
        {
            return new MissingRows(head.Writer, writer.Sequence + 1, sequence);
        }

        return writer.AnchorSequence > sequence || (hashOfRow is not null && hash.AsSpan().SequenceEqual(hashOfRow))
            ? null
            : new MissingRows(head.Writer, sequence, sequence);
    }
}

/// <summary>Rows of one chain that are missing or replaced.</summary>
/// <param name="Writer">The chain's writer.</param>
/// <param name="Sequence">The first row known to be missing.</param>
/// <param name="Last">The last row of the chain in the checkpoint.</param>
public sealed record MissingRows(Guid Writer, long Sequence, long Last);
