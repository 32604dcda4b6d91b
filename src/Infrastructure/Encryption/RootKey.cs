using System.Security.Cryptography;
using System.Text;

namespace Secrets.Infrastructure.Encryption;

/// <summary>The key that encrypts the key ring, which wraps the data keys, which seal the values. The database never holds the root key.</summary>
internal sealed class RootKey
{
    /// <summary>Hexadecimal digits of a fingerprint.</summary>
    public const int FingerprintLength = 16;

    private byte[]? _key;
    private byte[]? _previous;

    /// <summary>Identifies the key without revealing anything about its bytes.</summary>
    public string Fingerprint => FingerprintOf(Key);

    /// <summary>The fingerprint of the previous key; null if none is configured.</summary>
    public string? PreviousFingerprint => _previous is null ? null : FingerprintOf(_previous);

    /// <summary>Whether the current key has this fingerprint.</summary>
    public bool HasFingerprint(string? fingerprint) => string.Equals(fingerprint, Fingerprint, StringComparison.Ordinal);

    /// <summary>Whether the current or the previous key has this fingerprint, so that its ciphertext can be opened.</summary>
    public bool Opens(string? fingerprint) => fingerprint is not null && (HasFingerprint(fingerprint) || string.Equals(fingerprint, PreviousFingerprint, StringComparison.Ordinal));

    private byte[] Key => _key ?? throw new InvalidOperationException("The root key is not loaded yet.");

    /// <summary>Loads the current and the previous key. The previous key only decrypts.</summary>
    public void Load(byte[] key, byte[]? previous = null) => (_key, _previous) = (key, previous);

    public static string FingerprintOf(byte[] key) =>
        Convert.ToHexStringLower(HMACSHA256.HashData(key, "Secrets.RootKey.Fingerprint"u8))[..FingerprintLength];

    /// <summary>Encrypts under the current key. A box for one purpose does not open for another.</summary>
    public byte[] Encrypt(ReadOnlySpan<byte> plaintext, string purpose)
    {
        var box = new byte[AesGcmBox.Overhead + plaintext.Length];
        AesGcmBox.Seal(Key, plaintext, Encoding.UTF8.GetBytes(purpose), box);
        return box;
    }

    /// <summary>Whether the box is encrypted under the current key.</summary>
    public bool IsCurrent(ReadOnlySpan<byte> box, string purpose) => AesGcmBox.Open(Key, box, Encoding.UTF8.GetBytes(purpose)) is not null;

    /// <summary>Opens a box of <see cref="Encrypt"/> with the current or the previous key. Returns null if neither opens it for this purpose.</summary>
    public byte[]? Decrypt(ReadOnlySpan<byte> box, string purpose)
    {
        var purposeBytes = Encoding.UTF8.GetBytes(purpose);
        return AesGcmBox.Open(Key, box, purposeBytes) ?? (_previous is null ? null : AesGcmBox.Open(_previous, box, purposeBytes));
    }
}
