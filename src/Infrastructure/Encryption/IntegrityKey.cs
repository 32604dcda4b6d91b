using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;

namespace Secrets.Infrastructure.Encryption;

/// <summary>
/// A key for the tags of rows that the service trusts. The database stores the key only encrypted under the root key, so a tag proves that the service wrote
/// the row (docs/decisions/0020-the-database-is-not-trusted.md).
/// </summary>
/// <param name="number">Identifies the key. Every tag and box starts with this number.</param>
/// <param name="key"><see cref="Size"/> bytes.</param>
internal sealed class IntegrityKey(int number, byte[] key)
{
    public const int Size = 32;

    /// <summary>Bytes of a tag: format, key number, HMAC-SHA256.</summary>
    public const int TagSize = HeaderSize + HMACSHA256.HashSizeInBytes;

    /// <summary>Bytes at the start of a tag or a box: format, key number.</summary>
    public const int HeaderSize = 1 + sizeof(ushort);

    private const byte Format = 1;

    private readonly ushort _number = checked((ushort)number);
    private readonly ConcurrentDictionary<string, byte[]> _derived = new(StringComparer.Ordinal);

    public int Number => _number;

    /// <summary>The key number in a header; null if the bytes have no header of this format.</summary>
    public static int? NumberOf(ReadOnlySpan<byte> bytes) => bytes.Length >= HeaderSize && bytes[0] == Format ? BinaryPrimitives.ReadUInt16BigEndian(bytes[1..]) : null;

    /// <summary>Computes the tag of a content.</summary>
    /// <param name="purpose">The kind of content. A tag for one purpose does not verify for another.</param>
    /// <param name="content">Canonical bytes (<see cref="RowContent"/>).</param>
    public byte[] Tag(string purpose, ReadOnlySpan<byte> content)
    {
        var tag = new byte[TagSize];
        WriteHeader(tag);
        HMACSHA256.HashData(For(purpose), content, tag.AsSpan(HeaderSize));
        return tag;
    }

    /// <summary>Whether the tag belongs to the content.</summary>
    public bool Verifies(ReadOnlySpan<byte> tag, string purpose, ReadOnlySpan<byte> content) =>
        CryptographicOperations.FixedTimeEquals(tag, Tag(purpose, content));

    /// <summary>Computes the digest of a row.</summary>
    /// <param name="purpose">The kind of content. The same content has another digest for another purpose.</param>
    /// <param name="content">Canonical bytes (<see cref="RowContent"/>).</param>
    public RowDigest Digest(string purpose, ReadOnlySpan<byte> content)
    {
        Span<byte> digest = stackalloc byte[RowDigest.Size];
        HMACSHA256.HashData(For(purpose), content, digest);
        return new RowDigest(digest);
    }

    /// <summary>Encrypts under a key derived for the purpose and the holder. A single key for all holders would encrypt too often for random nonces.</summary>
    public byte[] Encrypt(string purpose, ReadOnlySpan<byte> holder, ReadOnlySpan<byte> plaintext, ReadOnlySpan<byte> associatedData)
    {
        var box = new byte[HeaderSize + AesGcmBox.Overhead + plaintext.Length];
        WriteHeader(box);
        AesGcmBox.Seal(HMACSHA256.HashData(For(purpose), holder), plaintext, associatedData, box.AsSpan(HeaderSize));
        return box;
    }

    /// <summary>Opens a box of <see cref="Encrypt"/>. Returns null if key, purpose, holder or associated data differ, or the box was changed.</summary>
    public byte[]? Decrypt(string purpose, ReadOnlySpan<byte> holder, ReadOnlySpan<byte> box, ReadOnlySpan<byte> associatedData) =>
        NumberOf(box) == Number ? AesGcmBox.Open(HMACSHA256.HashData(For(purpose), holder), box[HeaderSize..], associatedData) : null;

    /// <summary>Derives the key for a purpose (HKDF, RFC 5869).</summary>
    private byte[] For(string purpose) => _derived.GetOrAdd(
        purpose, static (name, key) => HKDF.DeriveKey(HashAlgorithmName.SHA256, key, Size, salt: null, Encoding.UTF8.GetBytes($"Secrets.Integrity/{name}")), key);

    private void WriteHeader(Span<byte> bytes)
    {
        bytes[0] = Format;
        BinaryPrimitives.WriteUInt16BigEndian(bytes[1..], _number);
    }
}
