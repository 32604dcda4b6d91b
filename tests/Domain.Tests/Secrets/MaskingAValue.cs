using System.Text;
using FsCheck.Fluent;
using Secrets.Domain.Secrets;
using Secrets.Domain.Text;

namespace Secrets.Domain.Tests;

public sealed class MaskingAValue
{
    private const string Letters = "abcdefghijklmnopqrstuvwxyz";

    [Theory]
    [InlineData(0, "****")]
    [InlineData(1, "****")]
    [InlineData(4, "****")]
    [InlineData(5, "a...e")]
    [InlineData(11, "a...k")]
    [InlineData(12, "ab...kl")]
    [InlineData(23, "ab...vw")]
    [InlineData(24, "abcd...uvwx")]
    [InlineData(25, "abcd...vwxy")]
    public void Longer_values_show_more_characters(int length, string mask) =>
        Assert.Equal(mask, MaskedValue.FromValue(Values.Of(Letters[..length])));

    [Theory]
    [InlineData(4, "****")]
    [InlineData(5, "a...e")]
    [InlineData(11, "a...k")]
    [InlineData(12, "ab...kl")]
    [InlineData(23, "ab...vw")]
    [InlineData(24, "abcd...uvwx")]
    public void Surrogate_pairs_count_once_and_are_not_split(int length, string mask) =>
        Assert.Equal(Astral(mask), MaskedValue.FromValue(Values.Of(Astral(Letters[..length]))));

    [Fact]
    public void A_mask_shows_both_ends_in_code_points() => Generated.ForAll(
        Generated.Text(4, 60),
        text =>
        {
            var codePoints = Encoding.UTF32.GetBytes(text).Chunk(4).Select(bytes => Encoding.UTF32.GetString(bytes)).ToArray();
            var shown = codePoints.Length < 5 ? 0 : codePoints.Length < 12 ? 1 : codePoints.Length < 24 ? 2 : 4;

            var mask = MaskedValue.FromValue(Values.Of(text));

            Assert.Equal(
                shown == 0 ? "****" : string.Concat(codePoints[..shown]) + "..." + string.Concat(codePoints[^shown..]),
                mask);
            Assert.True(TextLength.IsStorable(mask));
        },
        5_000);

    [Theory]
    [InlineData(1, 5, 11)]
    [InlineData(2, 12, 23)]
    [InlineData(4, 24, 1024)]
    public void Values_of_one_length_class_with_equal_ends_have_equal_masks(int shown, int shortest, int longest) => Generated.ForAll(
        from start in Generated.Text(shown, shown)
        from end in Generated.Text(shown, shown)
        from one in Generated.Text(shortest - (2 * shown), longest - (2 * shown))
        from other in Generated.Text(shortest - (2 * shown), longest - (2 * shown))
        select (One: start + one + end, Other: start + other + end),
        pair => Assert.Equal(MaskedValue.FromValue(Values.Of(pair.One)), MaskedValue.FromValue(Values.Of(pair.Other))),
        500);

    [Fact]
    public void At_most_eight_code_points_are_shown_and_never_more_than_two_in_five() => Generated.ForAll(
        Generated.Value(4, 1024),
        value =>
        {
            var length = TextLength.Measure(value.Text());
            var shown = length == 4 ? 0 : TextLength.Measure(MaskedValue.FromValue(value)) - 3;

            Assert.InRange(shown, 0, 8);
            Assert.True(5 * shown <= 2 * length, $"{shown} of {length}");
        });

    [Fact]
    public void The_longest_mask_fits_the_limit()
    {
        Assert.Equal(MaskedValue.MaxLength, MaskedValue.FromValue(Values.Of(Astral(Letters))).Length);
        Generated.ForAll(
            Generated.Value(0, 60),
            value => Assert.InRange(MaskedValue.FromValue(value).Length, 4, MaskedValue.MaxLength),
            5_000);
    }

    /// <summary>The text in mathematical letters, which have two UTF-16 units each.</summary>
    private static string Astral(string text) => string.Concat(
        text.Select(letter => letter is >= 'a' and <= 'z' ? char.ConvertFromUtf32(0x1D41A + letter - 'a') : letter.ToString()));
}
