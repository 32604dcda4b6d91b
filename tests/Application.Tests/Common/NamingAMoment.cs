using Secrets.Application.Common;

namespace Secrets.Application.Tests;

public sealed class NamingAMoment
{
    private static readonly DateTimeOffset Noon = new(2026, 1, 2, 12, 0, 0, TimeSpan.Zero);

    [Theory]
    [InlineData("2026-01-02T12:00:00Z", 0)]
    [InlineData("2026-01-02T12:00:00.000001Z", 10)]
    [InlineData("2026-01-02T12:00:00.5+00:00", 5_000_000)]
    [InlineData("2026-01-02T17:30:00+05:30", 0)]
    [InlineData("2026-01-02T04:00:00-08:00", 0)]
    public void A_moment_with_its_offset_is_read(string text, long ticks)
    {
        Assert.Equal(Noon.AddTicks(ticks), Moments.Parse(text));
        Assert.Equal(TimeSpan.Zero, Moments.Parse(text)!.Value.Offset);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("2026-01-02")]
    [InlineData("2026-01-02T12:00:00")]
    [InlineData("2026-01-02 12:00:00Z")]
    [InlineData("2026-01-02T12:00:00 00:00")]
    [InlineData("2026-13-02T12:00:00Z")]
    [InlineData("0001-01-01T00:00:00+14:00")]
    [InlineData("9999-12-31T23:59:59-14:00")]
    [InlineData("02/01/2026 12:00:00Z")]
    [InlineData("now")]
    public void Anything_else_is_none(string? text) => Assert.Null(Moments.Parse(text));
}
