using System.Globalization;

namespace Secrets.Application.Common;

/// <summary>Parses moments in bodies and queries: RFC 3339 with an offset, because a time without an offset is ambiguous.</summary>
public static class Moments
{
    /// <summary>The error for any other text.</summary>
    public const string Rule = "Must be a date and time as in RFC 3339, with seconds and an offset, such as 2026-11-29T08:00:00Z.";

    private const int LocalLength = 19;
    private const int MicrosecondDigits = 6;

    private static readonly string[] LocalFormats = ["yyyy-MM-dd'T'HH:mm:ss", "yyyy-MM-dd't'HH:mm:ss"];

    /// <summary>
    /// The moment in UTC, its fraction cut to microseconds; null: no moment. A leap second (:60) is refused, because the service's clock never shows one.
    /// </summary>
    public static DateTimeOffset? Parse(string? text)
    {
        if (text is not { Length: > LocalLength }
            || !DateTime.TryParseExact(text.AsSpan(0, LocalLength), LocalFormats, CultureInfo.InvariantCulture, DateTimeStyles.None, out var local))
        {
            return null;
        }

        var rest = text.AsSpan(LocalLength);
        var microseconds = 0;
        if (rest[0] == '.')
        {
            rest = rest[1..];
            if (rest.IndexOfAnyExceptInRange('0', '9') is not (> 0 and var digits))
            {
                return null;
            }

            microseconds = MicrosecondsOf(rest[..digits]);
            rest = rest[digits..];
        }

        if (OffsetOf(rest) is not { } offset)
        {
            return null;
        }

        // DateTimeOffset itself rejects offsets beyond 14 hours.
        var ticks = local.Ticks + (microseconds * TimeSpan.TicksPerMicrosecond) - offset.Ticks;
        return ticks >= DateTimeOffset.MinValue.Ticks && ticks <= DateTimeOffset.MaxValue.Ticks ? new DateTimeOffset(ticks, TimeSpan.Zero) : null;
    }

    private static int MicrosecondsOf(ReadOnlySpan<char> digits)
    {
        var microseconds = 0;
        for (var at = 0; at < MicrosecondDigits; at++)
        {
            microseconds = (microseconds * 10) + (at < digits.Length ? digits[at] - '0' : 0);
        }

        return microseconds;
    }

    private static TimeSpan? OffsetOf(ReadOnlySpan<char> text)
    {
        if (text is "Z" or "z")
        {
            return TimeSpan.Zero;
        }

        return text is ['+' or '-', _, _, ':', _, _] && TimeSpan.TryParseExact(text[1..], @"hh\:mm", CultureInfo.InvariantCulture, out var offset)
            ? text[0] == '-' ? -offset : offset
            : null;
    }
}
