using FsCheck.Fluent;
using Secrets.Domain.Secrets;

namespace Secrets.Domain.Tests;

public sealed class KeyingADefault
{
    [Fact]
    public void Moving_a_character_from_tool_to_argument_gives_another_key() =>
        Assert.NotEqual(KeyOf("ab", "c"), KeyOf("a", "bc"));

    [Fact]
    public void Tool_and_argument_do_not_change_places() => Assert.NotEqual(KeyOf("a", "b"), KeyOf("b", "a"));

    [Fact]
    public void Every_small_pair_has_its_own_key()
    {
        string[] words = ["a", "b", "*", "A", "aa", "ab", "ba", "bb", "a*", "*a", "a\n", "aaa", "aab", "aba", "baa", "\U0001F511"];
        var keys = words.SelectMany(tool => words.Select(arg => KeyOf(tool, arg))).ToArray();

        Assert.Equal(words.Length * words.Length, keys.Distinct(StringComparer.Ordinal).Count());
    }

    [Fact]
    public void A_text_split_elsewhere_has_another_key() => Generated.ForAll(
        from text in Generated.Text(3, 12)
        from one in Gen.Choose(1, text.Length - 1)
        from other in Gen.Choose(1, text.Length - 1)
        where !char.IsLowSurrogate(text[one]) && !char.IsLowSurrogate(text[other])
        select (Text: text, One: one, Other: other),
        split => Assert.Equal(
            split.One == split.Other,
            KeyOf(split.Text[..split.One], split.Text[split.One..]) == KeyOf(split.Text[..split.Other], split.Text[split.Other..])));

    [Fact]
    public void Equal_pairs_have_equal_keys_of_a_fixed_size() => Generated.ForAll(
        from tool in Generated.Text(1, 50)
        from arg in Generated.Text(1, 50)
        select (Tool: tool, Arg: arg),
        pair =>
        {
            var key = Secret.KeyOfDefault(new ToolBinding(pair.Tool, pair.Arg, IsDefault: true));

            Assert.Equal(32, key!.Length);
            Assert.Equal(key, Secret.KeyOfDefault(new ToolBinding(string.Concat(pair.Tool), string.Concat(pair.Arg), IsDefault: true)));
        });

    [Theory]
    [InlineData("tool", "arg", false)]
    [InlineData("tool", null, false)]
    [InlineData(null, null, false)]
    [InlineData("tool", null, true)]
    [InlineData(null, "arg", true)]
    public void What_is_no_default_has_no_key(string? tool, string? arg, bool isDefault) =>
        Assert.Null(Secret.KeyOfDefault(new ToolBinding(tool, arg, isDefault)));

    private static string KeyOf(string tool, string arg) =>
        Convert.ToHexString(Secret.KeyOfDefault(new ToolBinding(tool, arg, IsDefault: true))!);
}
