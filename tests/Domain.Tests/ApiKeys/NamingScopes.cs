using Secrets.Domain.ApiKeys;

namespace Secrets.Domain.Tests;

public sealed class NamingScopes
{
    private static readonly string[] Names =
        ["secrets:read", "secrets:write", "secrets:resolve", "keys:manage", "audit:read", "operator", "users:act"];

    [Fact]
    public void Every_set_of_scopes_is_the_sum_of_its_names()
    {
        var sets = Enumerable.Range(0, 1 << Names.Length).Select(number => (Scopes)number).ToArray();

        Assert.All(sets, set => Assert.Equal(
            set, ScopeNames.For(set).Aggregate(Scopes.None, (sum, name) => sum | ScopeNames.Parse(name)!.Value)));
        Assert.Equal(Scopes.All, sets[^1]);
    }

    [Fact]
    public void The_names_match_the_contract_in_order()
    {
        Assert.Equal(Names, ScopeNames.All);
        Assert.Equal(Names, ScopeNames.For(Scopes.All));
        Assert.Empty(ScopeNames.For(Scopes.None));
        Assert.Equal(["secrets:write", "audit:read"], ScopeNames.For(Scopes.AuditRead | Scopes.SecretsWrite));
    }

    [Theory]
    [InlineData("secrets:read", Scopes.SecretsRead)]
    [InlineData("secrets:write", Scopes.SecretsWrite)]
    [InlineData("secrets:resolve", Scopes.SecretsResolve)]
    [InlineData("keys:manage", Scopes.KeysManage)]
    [InlineData("audit:read", Scopes.AuditRead)]
    [InlineData("operator", Scopes.Operator)]
    [InlineData("users:act", Scopes.UsersAct)]
    public void Each_name_means_its_scope(string name, Scopes scope) => Assert.Equal(scope, ScopeNames.Parse(name));

    [Theory]
    [InlineData("")]
    [InlineData("SECRETS:READ")]
    [InlineData("secrets:read ")]
    [InlineData("secrets")]
    [InlineData("SecretsRead")]
    [InlineData("All")]
    [InlineData("1")]
    [InlineData("*")]
    public void Unknown_names_are_refused(string name) => Assert.Null(ScopeNames.Parse(name));

    [Fact]
    public void Roles_have_two_names()
    {
        Assert.Equal(OrganizationRole.Admin, RoleNames.Parse("admin"));
        Assert.Equal(OrganizationRole.Member, RoleNames.Parse("member"));
        Assert.Null(RoleNames.Parse("Admin"));
        Assert.Null(RoleNames.Parse(""));
        Assert.All(Enum.GetValues<OrganizationRole>(), role => Assert.Equal(role, RoleNames.Parse(RoleNames.For(role))));
    }
}
