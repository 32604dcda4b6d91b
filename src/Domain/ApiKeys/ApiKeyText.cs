using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace Secrets.Domain.ApiKeys;

/// <summary>
/// The text of an API key: <c>secsvc_</c>, an identifier of 10 characters, a secret of 36, and a checksum of 6, all letters and digits.
/// Secret scanners find leaked keys by the fixed start. The checksum distinguishes a typo from an unknown key.
/// </summary>
public static class ApiKeyText
{
    /// <summary>The start of every key.</summary>
    public const string Start = "secsvc_";

    /// <summary>Length of the public prefix: the start and the identifier.</summary>
    public const int PrefixLength = 17;

    private const int ChecksumLength = 6;
    private const int TotalLength = 59;
    private const string Alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

    /// <summary>A new key. Its secret has 214 bits of randomness.</summary>
    public static string Generate()
    {
        var body = Start + RandomNumberGenerator.GetString(Alphabet, TotalLength - Start.Length - ChecksumLength);
        return body + Checksum(body);
    }

    /// <summary>Whether the text has the length and the start of a key. The checksum is not compared.</summary>
    public static bool HasForm(string text) => text.Length == TotalLength && text.StartsWith(Start, StringComparison.Ordinal);

    /// <summary>Whether the text has the form of a key and the correct checksum.</summary>
    public static bool IsWellFormed(string text) =>
        HasForm(text) && string.Equals(Checksum(text[..^ChecksumLength]), text[^ChecksumLength..], StringComparison.Ordinal);

    /// <summary>The public prefix of a text that has the form of a key.</summary>
    public static string PrefixOf(string key) => key[..PrefixLength];

    /// <summary>The hash that is stored. A slow password hash would add nothing, because 214 random bits cannot be guessed.</summary>
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
