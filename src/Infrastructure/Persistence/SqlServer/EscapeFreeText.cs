using System.Buffers;
using System.Diagnostics;
using System.Globalization;

namespace Secrets.Infrastructure.Persistence.SqlServer;

/// <summary>
/// Text without the characters that every JSON escapes. Babelfish returns <c>\"</c>, <c>\\</c> and control characters as they are in JSON, with the backslash. So
/// they are sent as stand-ins, and TRANSLATE puts them back. Stand-ins are characters of the private use area that the row does not contain. The writer may
/// escape other characters as <c>\uXXXX</c>, which every server decodes.
/// </summary>
internal static class EscapeFreeText
{
    private const char FirstPrivate = '\uE000';
    private const int PrivateCount = 0x1900;
    private const char FirstControl = '\u0001';
    private const char LastControl = '\u001F';

    /// <summary>Quotation mark, backslash, and the control characters below the space. No text has U+0000.</summary>
    internal static readonly string Escaped = "\"\\" + string.Concat(Enumerable.Range(FirstControl, LastControl).Select(code => (char)code));

    private static readonly SearchValues<char> EscapedCharacters = SearchValues.Create(Escaped);

    private static readonly string EscapedInSql = """N'"\'""" + string.Concat(
        Enumerable.Range(FirstControl, LastControl).Select(code => string.Create(CultureInfo.InvariantCulture, $" + NCHAR({code})")));

    /// <summary>Finds a stand-in for each escaped character, in their order. Null: the texts have no escaped character.</summary>
    /// <param name="texts">The texts of a row, together much shorter than the private use area.</param>
    public static string? FindStandIns(ReadOnlySpan<string?> texts)
    {
        if (!HasEscaped(texts))
        {
            return null;
        }

        var used = new bool[PrivateCount];
        foreach (var text in texts)
        {
            foreach (var character in text ?? "")
            {
                if (character - FirstPrivate is >= 0 and < PrivateCount and var place)
                {
                    used[place] = true;
                }
            }
        }

        var free = Enumerable.Range(0, PrivateCount).Where(place => !used[place]).Take(Escaped.Length).Select(place => (char)(FirstPrivate + place)).ToArray();
        return free.Length == Escaped.Length ? new string(free) : throw new UnreachableException("A row has more text than its limits allow.");
    }

    /// <summary>Replaces escaped characters by their stand-ins.</summary>
    public static string? Replace(string? text, string? standIns) => text is null || standIns is null || !text.AsSpan().ContainsAny(EscapedCharacters)
        ? text
        : string.Create(text.Length, (text, standIns), static (replaced, row) =>
        {
            for (var place = 0; place < replaced.Length; place++)
            {
                var character = row.text[place];
                replaced[place] = Escaped.IndexOf(character, StringComparison.Ordinal) is >= 0 and var at ? row.standIns[at] : character;
            }
        });

    /// <summary>SQL value: the text of a column with its escaped characters. ISNULL, because stand-ins are NULL if the row needs none.</summary>
    public static string Restored(string text, string standIns) =>
        $"ISNULL(TRANSLATE({text} COLLATE Latin1_General_100_BIN2, {standIns}, {EscapedInSql}), {text})";

    private static bool HasEscaped(ReadOnlySpan<string?> texts)
    {
        foreach (var text in texts)
        {
            if (text.AsSpan().ContainsAny(EscapedCharacters))
            {
                return true;
            }
        }

        return false;
    }
}
