using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace Secrets.Domain.ApiKeys;

/// <summary>
/// The text of an API key: <c>secsvc_</c>, 10 characters that identify the key, 36 that are the secret, and 6 of checksum, all of
/// them letters and digits. The fixed start lets secret scanners find leaked keys, the checksum tells a typo from an unknown key.
/// </summary>
public static class ApiKeyText
{
    /// <summary>What every key starts with.</summary>
    public const string Start = "secsvc_";

    /// <summary>Characters of a key that may be shown and looked up by: the start and the identifier.</summary>
    public const int PrefixLength = 17;

    private const int ChecksumLength = 6;
    private const int TotalLength = 59;
    private const string Alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

    /// <summary>A new key: 214 bits of randomness in its secret part.</summary>
    public static string Generate()
    {
        var body = Start + RandomNumberGenerator.GetString(Alphabet, TotalLength - Start.Length - ChecksumLength);
        return body + Checksum(body);
    }

    /// <summary>Whether a text has the length and the start of a key.</summary>
    public static bool HasForm(string text) => text.Length == TotalLength && text.StartsWith(Start, StringComparison.Ordinal);

    /// <summary>Whether a text has the form of a key and its checksum is right.</summary>
    public static bool IsWellFormed(string text) =>
        HasForm(text) && string.Equals(Checksum(text[..^ChecksumLength]), text[^ChecksumLength..], StringComparison.Ordinal);

    /// <summary>The part of a text with the form of a key that may be shown.</summary>
    public static string PrefixOf(string key) => key[..PrefixLength];

    /// <summary>
    /// What is stored of a key. A plain hash is enough: 214 random bits cannot be guessed, so there is nothing for a slow
    /// password hash to protect.
    /// </summary>
    public static byte[] HashOf(string key) => SHA256.HashData(Encoding.UTF8.GetBytes(key));

    private static string Checksum(string body)
    {
        var number = BinaryPrimitives.ReadUInt32BigEndian(SHA256.HashData(Encoding.UTF8.GetBytes(body)));
        return string.Create(ChecksumLength, number, static (span, rest) =>
        {
            for (var at = span.Length - 1; at >= 0; at--)
            {
                span[at] = Alphabet[(int)(rest % (uint)Alphabet.Length)];
                rest /= (uint)Alphabet.Length;
            }
        });
    }
}
