using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace Secrets.Infrastructure.Encryption;

/// <summary>
/// A sealed value: format (1 byte), data key id (16 bytes, big-endian), then an <see cref="AesGcmBox"/>. The header and the
/// <see cref="Placement"/> are associated data, so an envelope opens only for the row and version it was sealed for.
/// </summary>
internal static class Envelope
{
    private const byte Format = 1;
    private const int HeaderSize = 1 + 16;

    // Reused, because every open and every seal needs one. Holds nothing secret, and at most about 100 KB (a hundred long workspace names).
    [ThreadStatic]
    private static ArrayBufferWriter<byte>? _associatedData;

    public static byte[] Seal(Guid keyId, ReadOnlySpan<byte> key, Placement placement, SecretValue value)
    {
        using var plaintext = value.Reveal();
        var envelope = new byte[HeaderSize + AesGcmBox.Overhead + plaintext.Bytes.Length];
        envelope[0] = Format;
        keyId.TryWriteBytes(envelope.AsSpan(1), bigEndian: true, out _);
        AesGcmBox.Seal(key, plaintext.Bytes, Bind(envelope.AsSpan(0, HeaderSize), placement), envelope.AsSpan(HeaderSize));
        return envelope;
    }

    /// <summary>Seals a value again for the same placement under another key. Returns null if the envelope does not open with <paramref name="key"/>.</summary>
    public static byte[]? Reseal(ReadOnlySpan<byte> key, Placement placement, ReadOnlySpan<byte> envelope, Guid otherKeyId, ReadOnlySpan<byte> otherKey)
    {
        using var value = Open(key, placement, envelope);
        return value is null ? null : Seal(otherKeyId, otherKey, placement, value);
    }

    /// <summary>The id of the data key that an envelope was sealed with; null if the bytes are not an envelope of this format.</summary>
    public static Guid? KeyIdOf(ReadOnlySpan<byte> envelope) =>
        envelope.Length >= HeaderSize && envelope[0] == Format ? new Guid(envelope[1..HeaderSize], bigEndian: true) : null;

    /// <summary>Opens an envelope. Returns null if it was not sealed with this key for this placement.</summary>
    public static SecretValue? Open(ReadOnlySpan<byte> key, Placement placement, ReadOnlySpan<byte> envelope) =>
        KeyIdOf(envelope) is null || envelope.Length < HeaderSize + AesGcmBox.Overhead
            ? null
            : SecretValue.Create(
                envelope.Length - HeaderSize - AesGcmBox.Overhead,
                new Sealed(key, envelope[HeaderSize..], Bind(envelope[..HeaderSize], placement)),
                static (from, plaintext) => AesGcmBox.TryOpen(from.Key, from.Box, from.AssociatedData, plaintext) ? plaintext.Length : null);

    /// <summary>
    /// The associated data. Every field has a fixed size or carries its length, null differs from an empty text, and the list of workspaces
    /// comes last: two placements never have the same bytes. The span is valid until the next call on this thread.
    /// </summary>
    private static ReadOnlySpan<byte> Bind(ReadOnlySpan<byte> header, Placement placement)
    {
        var bytes = _associatedData ??= new ArrayBufferWriter<byte>(256);
        bytes.ResetWrittenCount();
        bytes.Write(header);
        bytes.Write([(byte)placement.Owner.Kind, (byte)placement.Workspaces.Rule, placement.Binding.IsDefault ? (byte)1 : (byte)0]);
        WriteInt(bytes, placement.Version);
        placement.SecretId.TryWriteBytes(bytes.GetSpan(16), bigEndian: true, out _);
        bytes.Advance(16);
        WriteText(bytes, placement.Owner.Id);
        WriteText(bytes, placement.Name);
        WriteText(bytes, placement.Binding.ToolName);
        WriteText(bytes, placement.Binding.ToolArg);
        foreach (var workspace in placement.Workspaces.Names)
        {
            WriteText(bytes, workspace);
        }

        return bytes.WrittenSpan;
    }

    private static void WriteText(ArrayBufferWriter<byte> bytes, string? text)
    {
        if (text is null)
        {
            WriteInt(bytes, -1);
            return;
        }

        WriteInt(bytes, Encoding.UTF8.GetByteCount(text));
        Encoding.UTF8.GetBytes(text, bytes);
    }

    private static void WriteInt(ArrayBufferWriter<byte> bytes, int number)
    {
        BinaryPrimitives.WriteInt32BigEndian(bytes.GetSpan(sizeof(int)), number);
        bytes.Advance(sizeof(int));
    }

    private readonly ref struct Sealed(ReadOnlySpan<byte> key, ReadOnlySpan<byte> box, ReadOnlySpan<byte> associatedData)
    {
        public ReadOnlySpan<byte> Key { get; } = key;

        public ReadOnlySpan<byte> Box { get; } = box;

        public ReadOnlySpan<byte> AssociatedData { get; } = associatedData;
    }
}

/// <summary>An unwrapped data key.</summary>
internal sealed record DataKey(Guid Id, byte[] Bytes)
{
    public override string ToString() => Id.ToString();
}
