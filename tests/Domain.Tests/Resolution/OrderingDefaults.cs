using System.Text;
using Secrets.Domain.Resolution;
using Secrets.Domain.Secrets;

namespace Secrets.Domain.Tests.Resolution;

public sealed class OrderingDefaults
{
    [Theory]
    [InlineData("agno__linear__get", "agno__linear__*", PrecedenceRule.NameBeforePattern)]
    [InlineData("a", "abcdefgh*", PrecedenceRule.NameBeforePattern)]
    [InlineData("agno__linear__*", "agno__*", PrecedenceRule.MoreLiterals)]
    [InlineData("*abc", "ab*", PrecedenceRule.MoreLiterals)]
    [InlineData("ab*", "a*b*", PrecedenceRule.FewerWildcards)]
    [InlineData("*", "**", PrecedenceRule.FewerWildcards)]
    [InlineData("a*", "b*", PrecedenceRule.PatternOrder)]
    [InlineData("*a", "a*", PrecedenceRule.PatternOrder)]
    [InlineData("B*", "a*", PrecedenceRule.PatternOrder)]
    public void The_first_comes_before_the_second(string first, string second, PrecedenceRule rule)
    {
        var (one, other) = (Own(first), Own(second));
        Assert.True(one.CompareWith(other, out var decided) < 0);
        Assert.Equal(rule, decided);
        Assert.True(other.CompareWith(one, out decided) > 0);
        Assert.Equal(rule, decided);
    }

    [Fact]
    public void A_users_default_precedes_the_most_exact_of_an_organisation()
    {
        var organization = new Precedence(OwnerKind.Organization, new ToolPattern("agno__linear__get"));
        Assert.True(Own("*").CompareWith(organization, out var rule) < 0);
        Assert.Equal(PrecedenceRule.UserBeforeOrganization, rule);
    }

    [Fact]
    public void Literals_are_counted_in_code_points()
    {
        // Three code points precede two. Both texts have three UTF-16 units.
        Assert.True(Precedence.Order.Compare(Own("abc*"), Own("\U0001F511a*")) < 0);
    }

    [Fact]
    public void The_last_tie_break_is_the_order_of_code_points_and_not_of_utf_16()
    {
        // U+FF5E precedes U+1F511, although the first surrogate of the latter is U+D83D.
        Assert.True(Precedence.Order.Compare(Own("\uFF5E*"), Own("\U0001F511*")) < 0);
        Assert.True(string.CompareOrdinal("\uFF5E*", "\U0001F511*") > 0);
    }

    [Fact]
    public void The_order_is_total_and_agrees_with_an_oracle()
    {
        var random = new Random(7);
        var patterns = Enumerable.Range(0, 250).Select(_ => RandomPattern(random)).Distinct(StringComparer.Ordinal).ToList();
        Assert.True(patterns.Count > 100);
        foreach (var one in patterns)
        {
            foreach (var other in patterns)
            {
                var expected = Oracle(one, other);
                Assert.Equal(Math.Sign(expected), Math.Sign(Precedence.Order.Compare(Own(one), Own(other))));
                Assert.True(expected != 0 || one == other, $"{one} and {other} tie");
            }
        }
    }

    /// <summary>The rules of the contract in order. Hexadecimal UTF-8 sorts like the bytes.</summary>
    private static int Oracle(string one, string other)
    {
        var order = Key(one).CompareTo(Key(other));
        return order != 0 ? order : string.CompareOrdinal(Utf8(one), Utf8(other));

        static (int, int, int) Key(string pattern) => (
            pattern.Contains('*', StringComparison.Ordinal) ? 1 : 0,
            -pattern.EnumerateRunes().Count(rune => rune.Value != '*'),
            pattern.Count(unit => unit == '*'));

        static string Utf8(string pattern) => Convert.ToHexString(Encoding.UTF8.GetBytes(pattern));
    }

    private static string RandomPattern(Random random)
    {
        string[] parts = ["a", "b", "A", "_", "*", "*", "\U0001F511", "\uFF5E"];
        return string.Concat(Enumerable.Range(0, random.Next(1, 5)).Select(_ => parts[random.Next(parts.Length)]));
    }

    private static Precedence Own(string pattern) => new(OwnerKind.User, new ToolPattern(pattern));
}
