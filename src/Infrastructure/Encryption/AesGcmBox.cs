using System.Security.Cryptography;

namespace Secrets.Infrastructure.Encryption;

/// <summary>AES-256-GCM with a random 96-bit nonce: nonce, tag, ciphertext, in this order. (NIST SP 800-38D.)</summary>
internal static class AesGcmBox
{
    public const int KeySize = 32;
    public const int Overhead = NonceSize + TagSize;

    private const int NonceSize = 12;
    private const int TagSize = 16;

    /// <summary>Encrypts into <paramref name="box"/>, which must be <see cref="Overhead"/> bytes longer than the plaintext.</summary>
    public static void Seal(ReadOnlySpan<byte> key, ReadOnlySpan<byte> plaintext, ReadOnlySpan<byte> associatedData, Span<byte> box)
    {
        var nonce = box[..NonceSize];
        RandomNumberGenerator.Fill(nonce);
        using var aes = new AesGcm(key, TagSize);
        aes.Encrypt(nonce, plaintext, box[Overhead..], box[NonceSize..Overhead], associatedData);
    }

    /// <summary>Opens a box. Returns null if the key or the associated data differs from sealing, or the box was changed.</summary>
    public static byte[]? Open(ReadOnlySpan<byte> key, ReadOnlySpan<byte> box, ReadOnlySpan<byte> associatedData)
    {
        if (box.Length < Overhead)
        {
            return null;
        }

        var plaintext = new byte[box.Length - Overhead];
        return TryOpen(key, box, associatedData, plaintext) ? plaintext : null;
    }

    /// <summary>Opens a box into <paramref name="plaintext"/>, which must be <see cref="Overhead"/> bytes shorter. False if authentication fails.</summary>
    public static bool TryOpen(ReadOnlySpan<byte> key, ReadOnlySpan<byte> box, ReadOnlySpan<byte> associatedData, Span<byte> plaintext)
    {
        using var aes = new AesGcm(key, TagSize);
        try
        {
            aes.Decrypt(box[..NonceSize], box[Overhead..], box[NonceSize..Overhead], plaintext, associatedData);
            return true;
        }
        catch (AuthenticationTagMismatchException)
        {
            return false;
        }
    }
}
