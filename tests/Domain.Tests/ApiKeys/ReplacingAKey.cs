using Secrets.Domain.ApiKeys;

namespace Secrets.Domain.Tests;

public sealed class ReplacingAKey
{
    private static readonly DateTimeOffset Made = new(2026, 1, 1, 12, 0, 0, TimeSpan.Zero);
    private static readonly DateTimeOffset Now = Made.AddDays(50);

    [Fact]
    public void The_successor_may_do_what_the_old_one_may_and_is_another_key()
    {
        var old = Key(end: null);

        var next = old.Successor(Guid.NewGuid(), ApiKeyText.Generate(), Guid.NewGuid(), Now, expiresAt: null);

        Assert.Equal((old.Name, old.Scopes, old.UserId), (next.Name, next.Scopes, next.UserId));
        Assert.Equal((old.OrganizationId, old.Role), (next.OrganizationId, next.Role));
        Assert.Equal(old.Workspaces, next.Workspaces);
        Assert.NotEqual(old.Prefix, next.Prefix);
        Assert.NotEqual(old.Hash, next.Hash);
        Assert.Equal((Now, null), (next.CreatedAt, next.LastUsedAt));
    }

    [Fact]
    public void The_successor_lives_as_long_as_the_old_one_was_made_to_unless_an_end_is_given()
    {
        Assert.Null(EndOf(Key(end: null)));
        Assert.Equal(Now.AddDays(90), EndOf(Key(Made.AddDays(90))));
        Assert.Equal(Now.AddDays(1), EndOf(Key(Made.AddDays(90)), Now.AddDays(1)));
        Assert.Equal(Now.AddDays(1), EndOf(Key(end: null), Now.AddDays(1).ToOffset(TimeSpan.FromHours(5))));

        var last = new DateTimeOffset(9999, 12, 31, 0, 0, 0, TimeSpan.Zero);
        Assert.Equal(last, EndOf(Key(last)));
        Assert.Equal(DateTimeOffset.MaxValue, EndOf(Key(DateTimeOffset.MaxValue)));
    }

    [Theory]
    [InlineData(null, 3600, 3600)]
    [InlineData(60, 3600, 60)]
    [InlineData(7200, 3600, 3600)]
    [InlineData(60, 0, 0)]
    public void The_old_one_ends_after_the_grace_or_when_it_would_have_anyway(int? leftSeconds, int graceSeconds, int expected) =>
        Assert.Equal(
            Now.AddSeconds(expected),
            Key(leftSeconds is { } left ? Now.AddSeconds(left) : null).EndAfter(TimeSpan.FromSeconds(graceSeconds), Now));

    private static DateTimeOffset? EndOf(ApiKey old, DateTimeOffset? given = null) =>
        old.Successor(Guid.NewGuid(), ApiKeyText.Generate(), Guid.NewGuid(), Now, given).ExpiresAt;

    private static ApiKey Key(DateTimeOffset? end) => new(
        Guid.NewGuid(), "name", ApiKeyText.Generate(), Scopes.SecretsRead | Scopes.KeysManage, Guid.NewGuid(),
        new Membership("acme", OrganizationRole.Admin, ["support"]), Guid.NewGuid(), Made)
    {
        ExpiresAt = end,
    };
}
