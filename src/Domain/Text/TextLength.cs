using System.Text;

namespace Secrets.Domain.Text;

/// <summary>Limits of a text's length in Unicode code points (not UTF-16 units), both included.</summary>
public readonly record struct TextLength(int Minimum, int Maximum)
{
    /// <summary>Counts code points. An unpaired surrogate counts as one.</summary>
    public static int Measure(string text)
    {
        var count = 0;
        foreach (var _ in text.EnumerateRunes())
        {
            count++;
        }

        return count;
    }

    /// <summary>Counts the code points of a text in UTF-8.</summary>
    public static int Measure(ReadOnlySpan<byte> utf8)
    {
        // Continuation bytes (10xxxxxx) are -128 to -65 as signed numbers. Every other byte starts a code point.
        var count = 0;
        foreach (var unit in utf8)
        {
            count += (sbyte)unit > -65 ? 1 : 0;
        }

        return count;
    }

    /// <summary>The start of a text, at most <paramref name="units"/> UTF-16 units long. A surrogate pair is never split.</summary>
    public static string? Cut(string? text, int units) =>
        text is null || text.Length <= units ? text : text[..(char.IsHighSurrogate(text[units - 1]) ? units - 1 : units)];

    /// <summary>Whether databases can store the text: it has no U+0000 and no unpaired surrogate.</summary>
    public static bool IsStorable(string text)
    {
        var rest = text.AsSpan();
        while (!rest.IsEmpty)
        {
            if (Rune.DecodeFromUtf16(rest, out var rune, out var consumed) != System.Buffers.OperationStatus.Done || rune.Value == 0)
            {
                return false;
            }

            rest = rest[consumed..];
        }

        return true;
    }
}
