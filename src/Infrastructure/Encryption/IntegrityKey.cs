using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;

namespace Secrets.Infrastructure.Encryption;

/// <summary>
/// A key under which the service tags the rows that it acts on. The database has it only encrypted under the root key, so a tag proves that the service wrote the row
/// (docs/decisions/0020-the-database-is-not-trusted.md).
/// </summary>
/// <param name="number">Which key it is. It stands in front of every tag and box.</param>
/// <param name="key">The key.</param>
internal sealed class IntegrityKey(int number, byte[] key)
{
    public const int Size = 32;

    /// <summary>Bytes of a tag: format, number of the key, HMAC-SHA256.</summary>
    public const int TagSize = HeaderSize + HMACSHA256.HashSizeInBytes;

    /// <summary>Bytes in front of a tag or a box: format, number of the key.</summary>
    public const int HeaderSize = 1 + sizeof(ushort);

    private const byte Format = 1;

    private readonly ushort _number = checked((ushort)number);
    private readonly ConcurrentDictionary<string, byte[]> _derived = new(StringComparer.Ordinal);

    public int Number => _number;

    /// <summary>The number of the key in a header; null: it is no header of this format.</summary>
    public static int? NumberOf(ReadOnlySpan<byte> bytes) => bytes.Length >= HeaderSize && bytes[0] == Format ? BinaryPrimitives.ReadUInt16BigEndian(bytes[1..]) : null;

    /// <summary>The tag of some content.</summary>
    /// <param name="purpose">What the content is. A tag for one purpose is none for another.</param>
    /// <param name="content">Canonical bytes (<see cref="RowContent"/>).</param>
    public byte[] Tag(string purpose, ReadOnlySpan<byte> content)
    {
        var tag = new byte[TagSize];
        WriteHeader(tag);
        HMACSHA256.HashData(For(purpose), content, tag.AsSpan(HeaderSize));
        return tag;
    }

    /// <summary>Whether that is the tag of the content.</summary>
    public bool Verifies(ReadOnlySpan<byte> tag, string purpose, ReadOnlySpan<byte> content) =>
        CryptographicOperations.FixedTimeEquals(tag, Tag(purpose, content));

    /// <summary>The digest of a row.</summary>
    /// <param name="purpose">What the content is. Content for another purpose has another digest.</param>
    /// <param name="content">Canonical bytes (<see cref="RowContent"/>).</param>
    public RowDigest Digest(string purpose, ReadOnlySpan<byte> content)
    {
        Span<byte> digest = stackalloc byte[RowDigest.Size];
        HMACSHA256.HashData(For(purpose), content, digest);
        return new RowDigest(digest);
    }

    /// <summary>Encrypts under a key for one purpose and one holder: random nonces of many holders share no key.</summary>
    public byte[] Encrypt(string purpose, ReadOnlySpan<byte> holder, ReadOnlySpan<byte> plaintext, ReadOnlySpan<byte> associatedData)
    {
        var box = new byte[HeaderSize + AesGcmBox.Overhead + plaintext.Length];
        WriteHeader(box);
        AesGcmBox.Seal(HMACSHA256.HashData(For(purpose), holder), plaintext, associatedData, box.AsSpan(HeaderSize));
        return box;
    }

    /// <summary>Opens what <see cref="Encrypt"/> made; null when it is not that, or is for something else.</summary>
    public byte[]? Decrypt(string purpose, ReadOnlySpan<byte> holder, ReadOnlySpan<byte> box, ReadOnlySpan<byte> associatedData) =>
        NumberOf(box) == Number ? AesGcmBox.Open(HMACSHA256.HashData(For(purpose), holder), box[HeaderSize..], associatedData) : null;

    /// <summary>The key for a purpose (HKDF, RFC 5869).</summary>
    private byte[] For(string purpose) => _derived.GetOrAdd(
        purpose, static (name, key) => HKDF.DeriveKey(HashAlgorithmName.SHA256, key, Size, salt: null, Encoding.UTF8.GetBytes($"Secrets.Integrity/{name}")), key);

    private void WriteHeader(Span<byte> bytes)
    {
        bytes[0] = Format;
        BinaryPrimitives.WriteUInt16BigEndian(bytes[1..], _number);
    }
}
