using System.Text;
using Secrets.Domain.Secrets;
using Secrets.TestKit;

namespace Secrets.Domain.Tests;

public sealed class MatchingAToolPattern
{
    /// <summary>Backtracking would never end. This limit is generous, for busy machines.</summary>
    private static readonly TimeSpan Generous = TimeSpan.FromSeconds(10);

    [Theory]
    [InlineData("agno__linear__*", "agno__linear__get_issue_details", true)]
    [InlineData("agno__linear__*", "agno__linear__", true)]
    [InlineData("agno__linear__*", "agno__linear_", false)]
    [InlineData("agno__linear__*", "xagno__linear__get", false)]
    [InlineData("agno__linear__get", "agno__linear__get", true)]
    [InlineData("agno__linear__get", "agno__linear__get_issue", false)]
    [InlineData("*__get", "agno__linear__get", true)]
    [InlineData("*__get", "agno__linear__get_", false)]
    [InlineData("agno__*__get_*", "agno__linear__get_issue", true)]
    [InlineData("agno__*__get_*", "agno____get_", true)]
    [InlineData("agno__*__get_*", "agno__get_", false)]
    public void The_whole_name_must_match(string pattern, string name, bool matches) =>
        Assert.Equal(matches, new ToolPattern(pattern).Matches(name));

    [Theory]
    [InlineData("a_c", "abc")]
    [InlineData("a?c", "abc")]
    [InlineData("a.c", "abc")]
    [InlineData("a%c", "abbc")]
    [InlineData("a[bc]", "ab")]
    [InlineData("a_*", "abc")]
    [InlineData("a.*", "abc")]
    [InlineData("a\\*", "a*")]
    [InlineData("a+", "aa")]
    [InlineData("^a$", "a")]
    [InlineData("(a|b)", "a")]
    public void Everything_else_is_literal(string pattern, string name)
    {
        Assert.False(new ToolPattern(pattern).Matches(name));
        Assert.True(new ToolPattern(pattern).Matches(pattern));
    }

    [Theory]
    [InlineData("Agno", "agno")]
    [InlineData("agno*", "AGNO__x")]
    [InlineData("*I*", "xix")]
    [InlineData("stra\u00DFe", "strasse")]
    [InlineData("\u00E9*", "e\u0301")]
    [InlineData("a*", "\u200Da")]
    [InlineData("\u212A*", "K")]
    public void Comparison_is_ordinal_and_case_sensitive(string pattern, string name) =>
        Assert.False(new ToolPattern(pattern).Matches(name));

    [Theory]
    [InlineData("*")]
    [InlineData("**")]
    [InlineData("***")]
    public void Stars_alone_match_every_name(string pattern)
    {
        foreach (var name in new[] { "", "a", "*", "**", "agno__linear__get", "\U0001F511" })
        {
            Assert.True(new ToolPattern(pattern).Matches(name));
        }
    }

    [Theory]
    [InlineData("aba*aba", "ababa", false)]
    [InlineData("aba*aba", "abaaba", true)]
    [InlineData("a*a", "a", false)]
    [InlineData("ab*bc", "abc", false)]
    [InlineData("*aba*aba*", "xababax", false)]
    [InlineData("*aba*aba*", "xabaabax", true)]
    [InlineData("*ab*ab", "xab", false)]
    public void Literals_match_separate_characters(string pattern, string name, bool matches) =>
        Assert.Equal(matches, new ToolPattern(pattern).Matches(name));

    [Fact]
    public void Every_short_pattern_and_name_match_as_the_oracle_says()
    {
        var patterns = Words("ab*", 6).ToArray();
        var names = Words("ab", 6).ToArray();
        foreach (var text in patterns)
        {
            var pattern = new ToolPattern(text);
            foreach (var name in names)
            {
                Assert.True(pattern.Matches(name) == OracleMatches(text, name), $"'{text}' on '{name}'");
            }
        }
    }

    [Fact]
    public void Generated_patterns_match_as_the_oracle_says()
    {
        var cases = Campaign.Size(120_000);
        var hits = 0;
        var misses = 0;
        var hitsThroughAWildcard = 0;
        Generated.ForAllPairs(
            Generated.PatternAndName(),
            (pattern, name) =>
            {
                var expected = OracleMatches(pattern, name);
                Assert.Equal(expected, new ToolPattern(pattern).Matches(name));
                hits += expected ? 1 : 0;
                misses += expected ? 0 : 1;
                hitsThroughAWildcard += expected && pattern.Contains('*', StringComparison.Ordinal) ? 1 : 0;
            },
            cases);

        Assert.Equal(cases, hits + misses);
        Assert.InRange(hits, cases / 5, cases);
        Assert.InRange(misses, cases / 5, cases);
        Assert.InRange(hitsThroughAWildcard, cases / 10, cases);
    }

    [Theory]
    [InlineData("*a", "b")]
    [InlineData("*a", "*")]
    [InlineData("*aa", "b*")]
    [InlineData("*", "b*")]
    [InlineData("a*", "b")]
    public async Task A_hostile_pattern_is_matched_quickly(string repeated, string end)
    {
        var longest = ToolPattern.Length.Maximum;
        var pattern = new StringBuilder().Insert(0, repeated, longest / repeated.Length).ToString()[..(longest - end.Length)] + end;
        var name = new string('a', longest);

        var answer = await Task.Run(() => new ToolPattern(pattern).Matches(name)).WaitAsync(Generous);

        Assert.Equal(OracleMatches(pattern, name), answer);
    }

    [Fact]
    public void Patterns_are_equal_when_their_texts_are()
    {
        Assert.Equal(new ToolPattern("a*"), new ToolPattern("a*"));
        Assert.Equal(new ToolPattern("a*").GetHashCode(), new ToolPattern("a*").GetHashCode());
        Assert.NotEqual(new ToolPattern("a*"), new ToolPattern("A*"));
        Assert.NotEqual(new ToolPattern("a*"), new ToolPattern("a**"));
        Assert.Equal("a*", new ToolPattern("a*").ToString());
    }

    /// <summary>
    /// The definition by dynamic programming: whether each prefix of the pattern matches each prefix of the name. A star matches nothing or one
    /// more code point. Any other code point matches itself.
    /// </summary>
    private static bool OracleMatches(string pattern, string name)
    {
        var characters = name.EnumerateRunes().ToArray();
        var row = new bool[characters.Length + 1];
        row[0] = true;
        foreach (var wanted in pattern.EnumerateRunes())
        {
            var next = new bool[row.Length];
            for (var taken = 0; taken < row.Length; taken++)
            {
                next[taken] = wanted.Value == '*'
                    ? row[taken] || (taken > 0 && next[taken - 1])
                    : taken > 0 && row[taken - 1] && characters[taken - 1] == wanted;
            }

            row = next;
        }

        return row[^1];
    }

    private static IEnumerable<string> Words(string alphabet, int maximum)
    {
        IEnumerable<string> words = [""];
        for (var length = 0; length <= maximum; length++)
        {
            foreach (var word in words)
            {
                yield return word;
            }

            words = [.. words.SelectMany(word => alphabet.Select(character => word + character))];
        }
    }
}
