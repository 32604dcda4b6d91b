using System.Text;
using Secrets.Domain.Text;

namespace Secrets.Domain.Secrets;

/// <summary>
/// The mask that people see in place of a value: up to four characters from each end. The mask does not show the length. Masks are stored, and
/// <c>integrity accept</c> removes a secret whose mask does not match its value: another format would need the plaintext
/// of every secret, to mask and seal each again.
/// </summary>
public static class MaskedValue
{
    private const string Hidden = "****";
    private const string Gap = "...";

    /// <summary>The longest mask, in UTF-16 units: four code points, the gap, four code points.</summary>
    public const int MaxLength = 19;

    /// <summary>Masks a value. A value of fewer than five code points is hidden completely.</summary>
    public static string FromValue(SecretValue value)
    {
        using var plaintext = value.Reveal();
        var shown = TextLength.Measure(plaintext.Bytes) switch
        {
            >= 24 => 4,
            >= 12 => 2,
            >= 5 => 1,
            _ => 0,
        };
        if (shown == 0)
        {
            return Hidden;
        }

        var (head, tail) = (0, plaintext.Bytes.Length);
        for (var count = 0; count < shown; count++)
        {
            Rune.DecodeFromUtf8(plaintext.Bytes[head..], out _, out var first);
            Rune.DecodeLastFromUtf8(plaintext.Bytes[..tail], out _, out var last);
            (head, tail) = (head + first, tail - last);
        }

        return $"{Encoding.UTF8.GetString(plaintext.Bytes[..head])}{Gap}{Encoding.UTF8.GetString(plaintext.Bytes[tail..])}";
    }
}
