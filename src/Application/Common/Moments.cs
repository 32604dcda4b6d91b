using System.Globalization;

namespace Secrets.Application.Common;

/// <summary>Moments as people send them: RFC 3339, with its offset, because a time without one is nobody's time.</summary>
public static class Moments
{
    private static readonly string[] Formats = ["yyyy-MM-dd'T'HH:mm:ssK", "yyyy-MM-dd'T'HH:mm:ss.FFFFFFFK"];

    /// <summary>The moment in UTC; null for null and for anything else.</summary>
    public static DateTimeOffset? Parse(string? text) =>
        text is not null
        && DateTimeOffset.TryParseExact(text, Formats, CultureInfo.InvariantCulture, DateTimeStyles.None, out var moment)
        && NamesItsOffset(text)
            ? moment.ToUniversalTime()
            : null;

    /// <summary>Whether a text that is a moment says its offset: the framework takes one without for local time.</summary>
    public static bool NamesItsOffset(string text) =>
        text.EndsWith('Z') || (text.Contains('T', StringComparison.Ordinal) && text.LastIndexOfAny(['+', '-']) > text.IndexOf('T', StringComparison.Ordinal));
}
