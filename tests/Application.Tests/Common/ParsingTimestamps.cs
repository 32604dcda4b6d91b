using System.Globalization;
using FsCheck;
using FsCheck.Fluent;
using Secrets.Application.Common;

namespace Secrets.Application.Tests;

public sealed class ParsingTimestamps
{
    private const long MicrosecondsOfDay = 86_400_000_000;

    private static readonly DateTimeOffset Noon = new(2026, 1, 2, 12, 0, 0, TimeSpan.Zero);

    [Theory]
    [InlineData("2026-01-02T12:00:00Z", 0)]
    [InlineData("2026-01-02t12:00:00z", 0)]
    [InlineData("2026-01-02T12:00:00.000001Z", 10)]
    [InlineData("2026-01-02T12:00:00.5+00:00", 5_000_000)]
    [InlineData("2026-01-02T12:00:00.123456789Z", 1_234_560)]
    [InlineData("2026-01-02T12:00:00.0000019999999999999999999999999Z", 10)]
    [InlineData("2026-01-02T17:30:00+05:30", 0)]
    [InlineData("2026-01-02T04:00:00-08:00", 0)]
    [InlineData("2026-01-02T12:00:00-00:00", 0)]
    [InlineData("2026-01-03T11:59:00+23:59", 0)]
    [InlineData("2026-01-01T12:01:00-23:59", 0)]
    public void A_timestamp_with_its_offset_is_read(string text, long ticks)
    {
        Assert.Equal(Noon.AddTicks(ticks), Moments.Parse(text));
        Assert.Equal(TimeSpan.Zero, Moments.Parse(text)!.Value.Offset);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("2026-01-02")]
    [InlineData("2026-01-02T12:00:00")]
    [InlineData("2026-01-02T12:00Z")]
    [InlineData("2026-01-02T12:00:00.Z")]
    [InlineData("2026-01-02T12:00:00,5Z")]
    [InlineData("2026-01-02 12:00:00Z")]
    [InlineData("2026-01-02T12:00:00 00:00")]
    [InlineData("2026-01-02T12:00:00+0200")]
    [InlineData("2026-01-02T12:00:00+02")]
    [InlineData("2026-01-02T12:00:00+2:00")]
    [InlineData("2026-01-02T12:00:00+24:00")]
    [InlineData("2026-01-02T12:00:00+02:60")]
    [InlineData("2026-01-02T12:00:00Z+00:00")]
    [InlineData("2026-01-02T12:00:00Z ")]
    [InlineData("2026-01-02T12:00:00Z\n")]
    [InlineData(" 2026-01-02T12:00:00Z")]
    [InlineData("2026-01-02T24:00:00Z")]
    [InlineData("2026-01-02T12:60:00Z")]
    [InlineData("2026-12-31T23:59:60Z")]
    [InlineData("2026-13-02T12:00:00Z")]
    [InlineData("2026-00-02T12:00:00Z")]
    [InlineData("2026-02-29T12:00:00Z")]
    [InlineData("2026-01-00T12:00:00Z")]
    [InlineData("26-01-02T12:00:00Z")]
    [InlineData("+2026-01-02T12:00:00Z")]
    [InlineData("0000-01-01T00:00:00Z")]
    [InlineData("\u0662\u0660\u0662\u0666-01-02T12:00:00Z")]
    [InlineData("2026-01-02T12:00:00.\u0665Z")]
    [InlineData("2026\u221201\u221202T12:00:00Z")]
    [InlineData("0001-01-01T00:00:00+14:00")]
    [InlineData("9999-12-31T23:59:59-14:00")]
    [InlineData("02/01/2026 12:00:00Z")]
    [InlineData("now")]
    public void Other_texts_are_refused(string? text) => Assert.Null(Moments.Parse(text));

    [Fact]
    public void The_parser_accepts_exactly_the_grammar_and_the_calendar()
    {
        var (read, refused) = (0, 0);
        Generated.ForAll(
            Texts(),
            text =>
            {
                var expected = new Reading(text).Microseconds();

                Assert.Equal(expected, Moments.Parse(text) is { } moment ? moment.UtcTicks / TimeSpan.TicksPerMicrosecond : null);
                Assert.True(Moments.Parse(text)?.UtcTicks % TimeSpan.TicksPerMicrosecond is null or 0);
                (read, refused) = expected is null ? (read, refused + 1) : (read + 1, refused);
            },
            20_000);

        Assert.InRange(read, 4_000, 20_000);
        Assert.InRange(refused, 4_000, 20_000);
    }

    /// <summary>Timestamps and near misses: parts just out of range, other forms of an offset, and one added, removed or replaced character.</summary>
    private static Gen<string> Texts() =>
        from year in Gen.Frequency((8, Number(1, 9_999, 4)), (2, Gen.Elements("0000", "0001", "9999", "2000", "1900", "999", "10000")))
        from month in Number(0, 13, 2)
        from day in Gen.Frequency((4, Number(1, 28, 2)), (2, Number(0, 32, 2)))
        from letter in Gen.Frequency((8, Gen.Constant("T")), (2, Gen.Constant("t")), (1, Gen.Elements(" ", "_", "")))
        from hour in Number(0, 24, 2)
        from minute in Number(0, 60, 2)
        from second in Number(0, 61, 2)
        from fraction in Gen.Frequency((3, Gen.Constant("")), (5, Generated.TextOf("0123456789", 1, 12).Select(digits => $".{digits}")), (1, Gen.Elements(".", ",5")))
        from offset in Gen.Frequency((4, Gen.Constant("Z")), (2, Gen.Constant("z")), (4, Offset()), (1, Gen.Elements("", "+0200", "+02", "-2:00", "Z ", "UTC", "+")))
        from text in Edited($"{year}-{month}-{day}{letter}{hour}:{minute}:{second}{fraction}{offset}")
        select text;

    private static Gen<string> Offset() =>
        from sign in Gen.Elements("+", "-")
        from hours in Number(0, 24, 2)
        from minutes in Number(0, 60, 2)
        select $"{sign}{hours}:{minutes}";

    private static Gen<string> Number(int from, int to, int width) =>
        Gen.Choose(from, to).Select(number => number.ToString($"D{width}", CultureInfo.InvariantCulture));

    private static Gen<string> Edited(string text) => Gen.Frequency(
        (8, Gen.Constant(text)),
        (1, from at in Gen.Choose(0, text.Length - 1)
            from removed in Gen.Choose(0, 1)
            from added in Generated.TextOf("0123456789-+:.,TtZz \n\u0661", 0, 1)
            select text.Remove(at, removed).Insert(at, added)));

    /// <summary>
    /// A second implementation of RFC 3339, section 5.6, and of the Gregorian calendar. It reads from left to right and counts days year by year
    /// and month by month. It knows no leap seconds.
    /// </summary>
    private sealed class Reading(string text)
    {
        private int _at;

        /// <summary>Microseconds since the start of year 1 in UTC, or null if the text is no timestamp in the years 1 to 9999.</summary>
        public long? Microseconds()
        {
            if (Digits(4) is not { } year || !Next('-') || Digits(2) is not { } month || !Next('-') || Digits(2) is not { } day || !Next('T', 't')
                || Digits(2) is not { } hour || !Next(':') || Digits(2) is not { } minute || !Next(':') || Digits(2) is not { } second
                || Fraction() is not { } fraction
                || OffsetMinutes() is not { } offset
                || _at != text.Length
                || year < 1 || month is < 1 or > 12 || day < 1 || day > DaysOf(year, month) || hour > 23 || minute > 59 || second > 59)
            {
                return null;
            }

            var days = day - 1L
                + Enumerable.Range(1, year - 1).Sum(before => IsLeap(before) ? 366L : 365L)
                + Enumerable.Range(1, month - 1).Sum(before => (long)DaysOf(year, before));
            var seconds = (((hour * 60L) + minute - offset) * 60) + second;
            var all = (days * MicrosecondsOfDay) + (seconds * 1_000_000) + fraction;
            return all is >= 0 and < 3_652_059 * MicrosecondsOfDay ? all : null;
        }

        private static bool IsLeap(int year) => year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

        private static int DaysOf(int year, int month) => month switch
        {
            2 => IsLeap(year) ? 29 : 28,
            4 or 6 or 9 or 11 => 30,
            _ => 31,
        };

        private bool Next(params char[] any)
        {
            var isThere = _at < text.Length && any.Contains(text[_at]);
            _at += isThere ? 1 : 0;
            return isThere;
        }

        private int? Digits(int count)
        {
            var number = 0;
            for (; count > 0; count--)
            {
                if (_at == text.Length || "0123456789".IndexOf(text[_at], StringComparison.Ordinal) is not (>= 0 and var digit))
                {
                    return null;
                }

                number = (number * 10) + digit;
                _at++;
            }

            return number;
        }

        private long? Fraction()
        {
            if (!Next('.'))
            {
                return 0;
            }

            if (Digits(1) is not { } first)
            {
                return null;
            }

            var (microseconds, unit) = (first * 100_000L, 10_000L);
            while (_at < text.Length && text[_at] is >= '0' and <= '9')
            {
                microseconds += Digits(1)!.Value * unit;
                unit /= 10;
            }

            return microseconds;
        }

        private int? OffsetMinutes()
        {
            if (Next('Z', 'z'))
            {
                return 0;
            }

            var sign = Next('+') ? 1 : Next('-') ? -1 : 0;
            return sign != 0 && Digits(2) is { } hours and <= 23 && Next(':') && Digits(2) is { } minutes and <= 59 ? sign * ((hours * 60) + minutes) : null;
        }
    }
}
