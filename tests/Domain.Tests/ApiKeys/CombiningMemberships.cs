using Secrets.Domain.ApiKeys;

namespace Secrets.Domain.Tests.ApiKeys;

/// <summary>Two credentials of one principal together have only the rights that both have.</summary>
public sealed class CombiningMemberships
{
    [Theory]
    [InlineData("admin", "", "admin", "", "admin", "", false)]
    [InlineData("admin", "", "member", "a b", "member", "a b", true)]
    [InlineData("admin", "c", "member", "a b", "member", "a b", true)]
    [InlineData("member", "a b", "member", "b c", "member", "b", true)]
    [InlineData("member", "a", "member", "A", "member", "", true)]
    [InlineData("member", "", "member", "a", "member", "", true)]
    [InlineData("member", "", "member", "", "member", "", false)]
    public void A_combination_has_no_more_rights_than_each_membership(
        string role, string workspaces, string otherRole, string otherWorkspaces, string expectedRole, string expectedWorkspaces, bool isBound)
    {
        var (one, other) = (Of(role, workspaces), Of(otherRole, otherWorkspaces));

        foreach (var both in (Membership[])[one.And(other), other.And(one)])
        {
            Assert.Equal(RoleNames.Parse(expectedRole), both.Role);
            Assert.Equal(Split(expectedWorkspaces), both.Workspaces);
            Assert.Equal(isBound, both.IsBound);
        }
    }

    private static Membership Of(string role, string workspaces) => new("acme", RoleNames.Parse(role)!.Value, Split(workspaces));

    private static string[] Split(string workspaces) => workspaces.Split(' ', StringSplitOptions.RemoveEmptyEntries);
}
