using System.Security.Cryptography;
using System.Text;

namespace Secrets.Infrastructure.Encryption;

/// <summary>The key at the top: it encrypts the key ring, which wraps the data keys, which seal the values. It is never stored here.</summary>
internal sealed class RootKey
{
    /// <summary>Hexadecimal digits of a fingerprint.</summary>
    public const int FingerprintLength = 16;

    private byte[]? _key;
    private byte[]? _previous;

    /// <summary>Tells keys apart without telling anything about them.</summary>
    public string Fingerprint => FingerprintOf(Key);

    /// <summary>The fingerprint of the key that this one replaces; null: there is none.</summary>
    public string? PreviousFingerprint => _previous is null ? null : FingerprintOf(_previous);

    /// <summary>Whether that is the fingerprint of this key.</summary>
    public bool HasFingerprint(string? fingerprint) => string.Equals(fingerprint, Fingerprint, StringComparison.Ordinal);

    /// <summary>Whether what was encrypted under the key with that fingerprint can be opened: this one, or the one before.</summary>
    public bool Opens(string? fingerprint) => fingerprint is not null && (HasFingerprint(fingerprint) || string.Equals(fingerprint, PreviousFingerprint, StringComparison.Ordinal));

    private byte[] Key => _key ?? throw new InvalidOperationException("The root key is not loaded yet.");

    /// <summary>Loads the key, and the one that it replaces, which opens what was encrypted before and encrypts nothing more.</summary>
    public void Load(byte[] key, byte[]? previous = null) => (_key, _previous) = (key, previous);

    public static string FingerprintOf(byte[] key) =>
        Convert.ToHexStringLower(HMACSHA256.HashData(key, "Secrets.RootKey.Fingerprint"u8))[..FingerprintLength];

    /// <summary>Encrypts under the root key; what was encrypted for one purpose does not open for another.</summary>
    public byte[] Encrypt(ReadOnlySpan<byte> plaintext, string purpose)
    {
        var box = new byte[AesGcmBox.Overhead + plaintext.Length];
        AesGcmBox.Seal(Key, plaintext, Encoding.UTF8.GetBytes(purpose), box);
        return box;
    }

    /// <summary>Whether this key opens it, and not only the one before.</summary>
    public bool IsCurrent(ReadOnlySpan<byte> box, string purpose) => AesGcmBox.Open(Key, box, Encoding.UTF8.GetBytes(purpose)) is not null;

    /// <summary>Opens what <see cref="Encrypt"/> made, with this key or the one before; null when it is not that, or of another purpose.</summary>
    public byte[]? Decrypt(ReadOnlySpan<byte> box, string purpose)
    {
        var purposeBytes = Encoding.UTF8.GetBytes(purpose);
        return AesGcmBox.Open(Key, box, purposeBytes) ?? (_previous is null ? null : AesGcmBox.Open(_previous, box, purposeBytes));
    }
}
