using Secrets.Application.Common;

namespace Secrets.Application.Tests;

public sealed class ExpectingAVersion
{
    [Theory]
    [InlineData(new[] { 3 }, 3, true)]
    [InlineData(new[] { 3 }, 2, false)]
    [InlineData(new[] { 3 }, 4, false)]
    [InlineData(new[] { 1, 3, 7 }, 7, true)]
    [InlineData(new[] { 1, 3, 7 }, 2, false)]
    [InlineData(new int[0], 1, false)]
    public void Only_a_listed_version_matches(int[] expected, int stored, bool admitted)
    {
        var failure = Record.Exception(() => new VersionCondition(expected).Require(stored));

        Assert.Equal(admitted ? null : typeof(PreconditionFailedException), failure?.GetType());
    }

    [Theory]
    [InlineData(1)]
    [InlineData(int.MaxValue)]
    public void A_star_matches_any_version(int stored) =>
        Assert.Null(Record.Exception(() => VersionCondition.Any.Require(stored)));
}
