using Secrets.Domain.Resolution;
using Secrets.Domain.Secrets;

namespace Secrets.Domain.Tests.Resolution;

public sealed class FindingOverlaps
{
    [Theory]
    [InlineData("agno__*", "*__get", "agno__get")]
    [InlineData("agno__linear__*", "agno__linear__get", "agno__linear__get")]
    [InlineData("a*c", "ab*", "abc")]
    [InlineData("aba*", "*aba", "aba")]
    [InlineData("*", "**", "a")]
    [InlineData("*x*", "*y*", null)]
    [InlineData("same", "same", "same")]
    public void A_witness_is_the_shortest_common_name(string one, string other, string? witness)
    {
        var found = Overlap.Witness(new ToolPattern(one), new ToolPattern(other));
        if (witness is null)
        {
            Assert.Equal(2, found!.Length);
            Assert.Contains('x', found);
            Assert.Contains('y', found);
        }
        else
        {
            Assert.Equal(witness, found);
        }
    }

    [Theory]
    [InlineData("a*", "b*")]
    [InlineData("*a", "*b")]
    [InlineData("one", "other")]
    [InlineData("A*", "a*")]
    [InlineData("a_c", "abc")]
    [InlineData("aba", "ab*ba")]
    public void Disjoint_patterns_have_no_witness(string one, string other) =>
        Assert.Null(Overlap.Witness(new ToolPattern(one), new ToolPattern(other)));

    [Fact]
    public void A_witness_is_no_longer_than_a_tool_name_may_be()
    {
        var (start, end) = ($"{new string('a', 800)}*", $"*{new string('b', 800)}");
        Assert.Null(Overlap.Witness(new ToolPattern(start), new ToolPattern(end)));
        Assert.Equal(1000, Overlap.Witness(new ToolPattern(start), new ToolPattern($"*{new string('b', 200)}"))!.Length);
    }

    [Fact]
    public void A_witness_exists_exactly_when_some_name_matches_both()
    {
        var random = new Random(11);
        var names = Names("ab", 7).ToList();
        var (met, missed) = (0, 0);
        for (var number = 0; number < 3000; number++)
        {
            var (one, other) = (RandomPattern(random), RandomPattern(random));
            var shortest = names.Find(name => one.Matches(name) && other.Matches(name));
            var witness = Overlap.Witness(one, other);

            // Two patterns with at most three literals each have a common name of at most six letters, or none.
            Assert.Equal(shortest?.Length, witness?.Length);
            Assert.True(witness is null || (one.Matches(witness) && other.Matches(witness)), $"{one} and {other} do not both match {witness}");
            _ = witness is null ? missed++ : met++;
        }

        Assert.True(met > 500 && missed > 500, $"{met} pairs overlap, {missed} do not: the cases are too uniform");
    }

    [Fact]
    public void A_witness_does_not_split_surrogate_pairs()
    {
        var witness = Overlap.Witness(new ToolPattern("*\U0001F511*"), new ToolPattern("*\U0001F512*"));
        Assert.NotNull(witness);
        Assert.Equal(2, witness.EnumerateRunes().Count(rune => rune.Value is 0x1F511 or 0x1F512));
        Assert.Null(Overlap.Witness(new ToolPattern("\U0001F511"), new ToolPattern("\U0001F512")));
    }

    private static ToolPattern RandomPattern(Random random)
    {
        var length = random.Next(1, 6);
        var literals = 0;
        return new ToolPattern(string.Concat(Enumerable.Range(0, length).Select(_ =>
            literals < 3 && random.Next(2) == 0 && literals++ >= 0 ? "ab"[random.Next(2)].ToString() : "*")));
    }

    /// <summary>Every name over an alphabet, by ascending length.</summary>
    private static IEnumerable<string> Names(string alphabet, int longest)
    {
        IEnumerable<string> names = [""];
        for (var length = 1; length <= longest; length++)
        {
            names = [.. names.SelectMany(name => alphabet.Select(letter => name + letter))];
            foreach (var name in names)
            {
                yield return name;
            }
        }
    }
}
