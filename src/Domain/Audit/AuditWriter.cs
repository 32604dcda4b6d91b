using System.Security.Cryptography;

namespace Secrets.Domain.Audit;

/// <summary>
/// The authenticated start and end of one chain. The start moves when old rows are removed. Each has a MAC of its own, because
/// removing old rows and writing new ones happen concurrently.
/// </summary>
public sealed class AuditWriter
{
    private AuditWriter()
    {
    }

    /// <summary>A writer with an empty chain.</summary>
    public AuditWriter(ReadOnlySpan<byte> key, Guid id, long number)
    {
        Id = id;
        Number = number;
        (Sequence, Hash) = AuditPosition.Start;
        HeadMac = AuditChain.MacOfHead(key, id, number, AuditPosition.Start);
        (AnchorSequence, AnchorHash) = AuditPosition.Start;
        AnchorMac = AuditChain.MacOfAnchor(key, id, AuditPosition.Start);
    }

    /// <summary>Version 7.</summary>
    public Guid Id { get; private init; }

    /// <summary>Writers are numbered 1, 2, 3 and so on. A gap shows that a writer was removed.</summary>
    public long Number { get; private init; }

    /// <summary>The last row's number; 0: the chain is empty.</summary>
    public long Sequence { get; private init; }

    /// <summary>The last row's hash.</summary>
    public byte[] Hash { get; private init; } = null!;

    /// <summary>See <see cref="AuditChain.MacOfHead"/>.</summary>
    public byte[] HeadMac { get; private init; } = null!;

    /// <summary>The number of the last row that was removed because of its age; 0: none.</summary>
    public long AnchorSequence { get; private init; }

    /// <summary>The hash of that row.</summary>
    public byte[] AnchorHash { get; private init; } = null!;

    /// <summary>See <see cref="AuditChain.MacOfAnchor"/>.</summary>
    public byte[] AnchorMac { get; private init; } = null!;

    /// <summary>The end of the chain.</summary>
    public AuditPosition Head => new(Sequence, Hash);

    /// <summary>The start of the chain.</summary>
    public AuditPosition Anchor => new(AnchorSequence, AnchorHash);

    /// <summary>Whether the end has a correct MAC.</summary>
    public bool HasSoundHead(ReadOnlySpan<byte> key) =>
        Head.IsSound && CryptographicOperations.FixedTimeEquals(HeadMac, AuditChain.MacOfHead(key, Id, Number, Head));

    /// <summary>Whether the start has a correct MAC.</summary>
    public bool HasSoundAnchor(ReadOnlySpan<byte> key) =>
        Anchor.IsSound && CryptographicOperations.FixedTimeEquals(AnchorMac, AuditChain.MacOfAnchor(key, Id, Anchor));
}
