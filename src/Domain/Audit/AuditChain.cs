using System.Buffers;
using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace Secrets.Domain.Audit;

/// <summary>A position in a chain, right behind a row: the number and hash of that row.</summary>
/// <param name="Sequence">0: before the first row.</param>
/// <param name="Hash">32 bytes.</param>
public readonly record struct AuditPosition(long Sequence, byte[] Hash)
{
    /// <summary>Before the first row.</summary>
    public static readonly AuditPosition Start = new(0, new byte[HMACSHA256.HashSizeInBytes]);

    /// <summary>Whether the hash has the right size. A manipulated row may hold any bytes.</summary>
    public bool IsSound => Hash.Length == HMACSHA256.HashSizeInBytes;
}

/// <summary>
/// The chain of one writer. Each row's hash is an HMAC-SHA256 over the previous hash and every field of the row.
/// Changing, removing, adding or moving a row breaks the chain, unless one has the key.
/// </summary>
public static class AuditChain
{
    /// <summary>Bytes of a key.</summary>
    public const int KeySize = 32;

    // All inputs of the MAC begin with their type, so that a MAC of one type is never valid for another.
    private const byte RowTag = 1;
    private const byte HeadTag = 2;
    private const byte AnchorTag = 3;
    private const byte RegistryTag = 4;
    private const byte CheckpointTag = 5;

    // Size of the fixed fields and length prefixes of an encoded row, rounded up.
    private const int RowOverhead = 384;

    /// <summary>Appends events behind a position. Returns their entries with hashes, in the same order.</summary>
    public static AuditEntry[] Continue(ReadOnlySpan<byte> key, Guid writer, AuditPosition position, IReadOnlyList<AuditEvent> events)
    {
        using var hmac = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, key);
        var entries = new AuditEntry[events.Count];
        var (sequence, hash) = position;
        for (var at = 0; at < entries.Length; at++)
        {
            var entry = new AuditEntry(writer, ++sequence, events[at]);
            entry.Hash = hash = HashOf(hmac, hash, entry);
            entries[at] = entry;
        }

        return entries;
    }

    /// <summary>Whether a row was appended right behind the position.</summary>
    public static bool Follows(ReadOnlySpan<byte> key, Guid writer, AuditPosition position, AuditEntry entry)
    {
        using var hmac = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, key);
        return entry.Writer == writer
            && entry.Sequence == position.Sequence + 1
            && CryptographicOperations.FixedTimeEquals(HashOf(hmac, position.Hash, entry), entry.Hash);
    }

    /// <summary>Authenticates the end of a chain, so that its last rows cannot be cut off.</summary>
    /// <param name="key">The audit's key.</param>
    /// <param name="writer">The chain's writer.</param>
    /// <param name="number">See <see cref="AuditWriter.Number"/>.</param>
    /// <param name="position">The last row.</param>
    public static byte[] MacOfHead(ReadOnlySpan<byte> key, Guid writer, long number, AuditPosition position) =>
        MacOf(key, HeadTag, writer, number, position.Sequence, position.Hash);

    /// <summary>Authenticates the start of a chain whose oldest rows were removed.</summary>
    public static byte[] MacOfAnchor(ReadOnlySpan<byte> key, Guid writer, AuditPosition position) =>
        MacOf(key, AnchorTag, writer, 0, position.Sequence, position.Hash);

    /// <summary>Authenticates the number of writers, so that no whole chain can be removed.</summary>
    public static byte[] MacOfRegistry(ReadOnlySpan<byte> key, long writers) => MacOf(key, RegistryTag, Guid.Empty, writers, 0, []);

    /// <summary>Authenticates the ends of all chains at one moment.</summary>
    public static byte[] MacOfCheckpoint(ReadOnlySpan<byte> key, DateTimeOffset at, long count, IReadOnlyList<AuditHead> heads)
    {
        using var hmac = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, key);
        Span<byte> buffer = stackalloc byte[128];
        var start = new Encoder(buffer);
        start.Byte(CheckpointTag);
        start.Long(at.UtcTicks);
        start.Long(count);
        start.Long(heads.Count);
        hmac.AppendData(start.Written);
        foreach (var head in heads)
        {
            var encoder = new Encoder(buffer);
            encoder.Uuid(head.Writer);
            encoder.Long(head.Position.Sequence);
            hmac.AppendData(encoder.Written);

            // A caller sent this hash, so its size is not known: the length comes first.
            encoder = new Encoder(buffer);
            encoder.Long(head.Position.Hash.Length);
            hmac.AppendData(encoder.Written);
            hmac.AppendData(head.Position.Hash);
        }

        return hmac.GetHashAndReset();
    }

    private static byte[] MacOf(ReadOnlySpan<byte> key, byte tag, Guid writer, long number, long sequence, ReadOnlySpan<byte> hash)
    {
        Span<byte> buffer = stackalloc byte[128];
        var encoder = new Encoder(buffer);
        encoder.Byte(tag);
        encoder.Uuid(writer);
        encoder.Long(number);
        encoder.Long(sequence);
        encoder.Bytes(hash);
        return HMACSHA256.HashData(key, encoder.Written);
    }

    private static byte[] HashOf(IncrementalHash hmac, ReadOnlySpan<byte> previous, AuditEntry entry)
    {
        var size = RowOverhead + Encoding.UTF8.GetMaxByteCount(
            Length(entry.TokenIssuer) + Length(entry.TokenSubject) + Length(entry.OwnerId) + Length(entry.ToolName) + Length(entry.ToolArg) + Length(entry.Address)
            + Length(entry.AgentId) + Length(entry.RunId) + Length(entry.ToolCallId) + Length(entry.RequestId) + Length(entry.ClientRequestId));
        var buffer = ArrayPool<byte>.Shared.Rent(size);
        try
        {
            var encoder = new Encoder(buffer);
            encoder.Byte(RowTag);
            encoder.Bytes(previous);
            encoder.Uuid(entry.Writer);
            encoder.Long(entry.Sequence);
            encoder.Long(entry.At.UtcTicks);
            encoder.Uuid(entry.Actor);
            encoder.Uuid(entry.KeyId);
            encoder.Text(entry.TokenIssuer);
            encoder.Text(entry.TokenSubject);
            encoder.Long((long)entry.Action);
            encoder.Long((long)entry.Outcome);
            encoder.Long((long?)entry.OwnerKind);
            encoder.Text(entry.OwnerId);
            encoder.Long(entry.OwnerVersion);
            encoder.Uuid(entry.SecretId);
            encoder.Long(entry.SecretVersion);
            encoder.Uuid(entry.TargetKeyId);
            encoder.Uuid(entry.TargetKeyUserId);
            encoder.Text(entry.ToolName);
            encoder.Text(entry.ToolArg);
            encoder.Text(entry.Address);
            encoder.Text(entry.AgentId);
            encoder.Text(entry.RunId);
            encoder.Text(entry.ToolCallId);
            encoder.Text(entry.RequestId);
            encoder.Text(entry.ClientRequestId);
            encoder.Long(entry.LeftOut);
            hmac.AppendData(encoder.Written);
            return hmac.GetHashAndReset();
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private static int Length(string? text) => text?.Length ?? 0;

    /// <summary>Encodes fields so that no two rows have the same encoding: fixed sizes, length prefixes, and a marker for absent fields.</summary>
    private ref struct Encoder(Span<byte> buffer)
    {
        private const byte Absent = 0;
        private const byte Present = 1;

        private readonly Span<byte> _buffer = buffer;
        private int _length;

        public readonly ReadOnlySpan<byte> Written => _buffer[.._length];

        public void Byte(byte value) => _buffer[_length++] = value;

        public void Long(long value)
        {
            BinaryPrimitives.WriteInt64BigEndian(_buffer[_length..], value);
            _length += sizeof(long);
        }

        public void Long(long? value)
        {
            Byte(value is null ? Absent : Present);
            if (value is { } number)
            {
                Long(number);
            }
        }

        public void Uuid(Guid value)
        {
            value.TryWriteBytes(_buffer[_length..], bigEndian: true, out var written);
            _length += written;
        }

        public void Uuid(Guid? value)
        {
            Byte(value is null ? Absent : Present);
            if (value is { } uuid)
            {
                Uuid(uuid);
            }
        }

        public void Bytes(ReadOnlySpan<byte> value)
        {
            Long(value.Length);
            value.CopyTo(_buffer[_length..]);
            _length += value.Length;
        }

        public void Text(string? value)
        {
            Byte(value is null ? Absent : Present);
            if (value is not null)
            {
                var start = _length;
                _length += sizeof(long);
                var written = Encoding.UTF8.GetBytes(value, _buffer[_length..]);
                BinaryPrimitives.WriteInt64BigEndian(_buffer[start..], written);
                _length += written;
            }
        }
    }
}
