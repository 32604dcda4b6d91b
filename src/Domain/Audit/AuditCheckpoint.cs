using System.Security.Cryptography;

namespace Secrets.Domain.Audit;

/// <summary>Where one chain of the audit ended.</summary>
/// <param name="Writer">Whose chain.</param>
/// <param name="Position">Its last row then.</param>
public readonly record struct AuditHead(Guid Writer, AuditPosition Position);

/// <summary>
/// Where every chain of the audit ended at one moment, authenticated with the audit's key. Kept outside the database, it shows later which rows are missing.
/// </summary>
/// <param name="At">The moment.</param>
/// <param name="Count">How many chains had been begun.</param>
/// <param name="Heads">Where each ended whose two ends were sound, in the order in which they were begun. It is all of them, unless an operator accepted that some are not.</param>
/// <param name="Mac">See <see cref="AuditChain.MacOfCheckpoint"/>.</param>
public sealed record AuditCheckpoint(DateTimeOffset At, long Count, IReadOnlyList<AuditHead> Heads, byte[] Mac)
{
    /// <summary>How many chains had been begun that it does not vouch for.</summary>
    public long Unsound => Count - Heads.Count;

    /// <summary>The checkpoint of these chains, whose ends and starts are sound, of so many that were begun.</summary>
    public static AuditCheckpoint FromWriters(ReadOnlySpan<byte> key, DateTimeOffset now, long count, IEnumerable<AuditWriter> writers)
    {
        var at = new DateTimeOffset(now.UtcTicks - (now.UtcTicks % TimeSpan.TicksPerMicrosecond), TimeSpan.Zero);
        List<AuditHead> heads = [.. writers.OrderBy(writer => writer.Number).Select(writer => new AuditHead(writer.Id, writer.Head))];
        return new AuditCheckpoint(at, count, heads, AuditChain.MacOfCheckpoint(key, at, count, heads));
    }

    /// <summary>Whether a holder of the key made it.</summary>
    public bool IsGenuine(ReadOnlySpan<byte> key) =>
        CryptographicOperations.FixedTimeEquals(Mac, AuditChain.MacOfCheckpoint(key, At, Count, Heads));

    /// <summary>What a chain lacks of what it had; null: nothing. Rows that were removed because of their age are none.</summary>
    /// <param name="key">The audit's key.</param>
    /// <param name="head">Where the chain ended when the checkpoint was made.</param>
    /// <param name="writer">The chain now; null: it is gone.</param>
    /// <param name="hashOfRow">The hash of the row that was the last then, if it is in the chain now; null: it is not.</param>
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

/// <summary>Rows of one chain that were there once and are not, or are others.</summary>
/// <param name="Writer">Whose chain.</param>
/// <param name="Sequence">The first of them that is known to be missing.</param>
/// <param name="Last">The last that was there.</param>
public sealed record MissingRows(Guid Writer, long Sequence, long Last);
