using System.Text;
using FsCheck.Fluent;
using Secrets.Domain.Text;

namespace Secrets.Domain.Tests;

public sealed class MeasuringText
{
    [Theory]
    [InlineData("", 0)]
    [InlineData("abc", 3)]
    [InlineData("\u00E9", 1)]
    [InlineData("e\u0301", 2)]
    [InlineData("\U0001F511", 1)]
    [InlineData("\U0001F468\u200D\U0001F469", 3)]
    [InlineData("a\0b", 3)]
    public void The_length_of_a_text_is_its_number_of_code_points(string text, int length) => Assert.Equal(length, TextLength.Measure(text));

    [Fact]
    public void Paired_and_unpaired_surrogates_count_once() => Generated.ForAll(
        Generated.Utf16(),
        text =>
        {
            var pairs = Enumerable.Range(0, Math.Max(0, text.Length - 1))
                .Count(at => char.IsHighSurrogate(text[at]) && char.IsLowSurrogate(text[at + 1]));

            Assert.Equal(text.Length - pairs, TextLength.Measure(text));
        },
        10_000);

    [Fact]
    public void The_length_is_the_same_in_UTF_8() => Generated.ForAll(
        Generated.Text(0, 60), text => Assert.Equal(TextLength.Measure(text), TextLength.Measure(Encoding.UTF8.GetBytes(text))), 5_000);

    [Fact]
    public void A_text_is_storable_if_it_survives_UTF_8_and_has_no_U_0000()
    {
        var storable = 0;
        var refused = 0;
        var strict = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);
        Generated.ForAll(
            Generated.Utf16(),
            text =>
            {
                var expected = Survives(text, strict) && !text.Contains('\0', StringComparison.Ordinal);
                Assert.Equal(expected, TextLength.IsStorable(text));
                storable += expected ? 1 : 0;
                refused += expected ? 0 : 1;
            },
            10_000);

        Assert.InRange(storable, 1_000, 10_000);
        Assert.InRange(refused, 1_000, 10_000);
    }

    [Theory]
    [InlineData(0x0000)]
    [InlineData(0xD800)]
    [InlineData(0xDBFF)]
    [InlineData(0xDC00)]
    [InlineData(0xDFFF)]
    public void Unstorable_characters_are_found_at_any_position(int bad) => Generated.ForAll(
        from before in Generated.Text(0, 20)
        from after in Generated.Text(0, 20)
        select (Before: before, After: after),
        text =>
        {
            Assert.True(TextLength.IsStorable(text.Before + text.After));
            Assert.False(TextLength.IsStorable(text.Before + (char)bad + text.After));
        });

    private static bool Survives(string text, UTF8Encoding strict)
    {
        try
        {
            return strict.GetString(strict.GetBytes(text)).Equals(text, StringComparison.Ordinal);
        }
        catch (EncoderFallbackException)
        {
            return false;
        }
    }
}
