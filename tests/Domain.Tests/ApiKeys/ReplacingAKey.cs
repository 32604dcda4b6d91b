using Secrets.Domain.ApiKeys;

namespace Secrets.Domain.Tests;

public sealed class ReplacingAKey
{
    private static readonly DateTimeOffset Made = new(2026, 1, 1, 12, 0, 0, TimeSpan.Zero);
    private static readonly DateTimeOffset Now = Made.AddDays(50);

    [Fact]
    public void The_successor_has_the_same_rights_and_another_key()
    {
        var old = Key(end: null);

        var next = old.Successor(Guid.NewGuid(), ApiKeyText.Generate(), Guid.NewGuid(), Now, Now.AddDays(1), old.Id);

        Assert.Equal((old.Name, old.Scopes, old.UserId), (next.Name, next.Scopes, next.UserId));
        Assert.Equal((old.OrganizationId, old.Role), (next.OrganizationId, next.Role));
        Assert.Equal(old.Workspaces, next.Workspaces);
        Assert.NotEqual(old.Prefix, next.Prefix);
        Assert.NotEqual(old.Hash, next.Hash);
        Assert.Equal((Now, null), (next.CreatedAt, next.LastUsedAt));
        Assert.Equal((Now.AddDays(1), old.Id), (next.ExpiresAt, next.CreatedByKey));
    }

    [Theory]
    [InlineData(null, 3600, 3600)]
    [InlineData(60, 3600, 60)]
    [InlineData(7200, 3600, 3600)]
    [InlineData(60, 0, 0)]
    public void The_old_key_ends_after_the_grace_period_or_at_its_expiry(int? leftSeconds, int graceSeconds, int expected) =>
        Assert.Equal(
            Now.AddSeconds(expected),
            Key(leftSeconds is { } left ? Now.AddSeconds(left) : null).EndAfter(TimeSpan.FromSeconds(graceSeconds), Now));

    private static ApiKey Key(DateTimeOffset? end) => new(
        Guid.NewGuid(), "name", ApiKeyText.Generate(), Scopes.SecretsRead | Scopes.KeysManage, Guid.NewGuid(),
        new Membership("acme", OrganizationRole.Admin, ["support"]), Guid.NewGuid(), Made)
    {
        ExpiresAt = end,
    };
}
