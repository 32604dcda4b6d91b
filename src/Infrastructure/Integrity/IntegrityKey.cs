using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;

namespace Secrets.Infrastructure.Integrity;

/// <summary>
/// The key under which the service tags the rows that it acts on. The database has it only encrypted under the root key, so a tag proves that the service wrote the row
/// (docs/decisions/0020-the-database-is-not-trusted.md).
/// </summary>
internal sealed class IntegrityKey
{
    public const int Size = 32;

    /// <summary>Bytes of a tag: format, number of the key, HMAC-SHA256.</summary>
    public const int TagSize = HeaderSize + HMACSHA256.HashSizeInBytes;

    private const byte Format = 1;
    private const int HeaderSize = 1 + sizeof(ushort);

    private volatile Loaded? _loaded;

    private Loaded Key => _loaded ?? throw new InvalidOperationException("The integrity key is not loaded yet.");

    /// <summary>Loads the key with that number.</summary>
    public void Load(int number, byte[] key) => _loaded = new Loaded(checked((ushort)number), key);

    /// <summary>The tag of some content.</summary>
    /// <param name="purpose">What the content is. A tag for one purpose is none for another.</param>
    /// <param name="content">Canonical bytes (<see cref="RowContent"/>).</param>
    public byte[] Tag(string purpose, ReadOnlySpan<byte> content)
    {
        var tag = new byte[TagSize];
        tag[0] = Format;
        BinaryPrimitives.WriteUInt16BigEndian(tag.AsSpan(1), Key.Number);
        HMACSHA256.HashData(Key.For(purpose), content, tag.AsSpan(HeaderSize));
        return tag;
    }

    /// <summary>Whether that is the tag of the content.</summary>
    public bool Verifies(ReadOnlySpan<byte> tag, string purpose, ReadOnlySpan<byte> content) =>
        CryptographicOperations.FixedTimeEquals(tag, Tag(purpose, content));

    private sealed record Loaded(ushort Number, byte[] Key)
    {
        private readonly ConcurrentDictionary<string, byte[]> _derived = new(StringComparer.Ordinal);

        /// <summary>The key for a purpose (HKDF, RFC 5869).</summary>
        public byte[] For(string purpose) => _derived.GetOrAdd(
            purpose, static (name, key) => HKDF.DeriveKey(HashAlgorithmName.SHA256, key, Size, salt: null, Encoding.UTF8.GetBytes($"Secrets.Integrity/{name}")), Key);
    }
}
