using Secrets.Application.Common;
using Secrets.Application.Secrets;
using Secrets.Domain.ApiKeys;
using Secrets.Domain.Audit;
using Secrets.Domain.Secrets;

namespace Secrets.Application.Tests;

/// <summary>The owner and the visible secrets for a caller of several organisations.</summary>
public sealed class SeeingSecrets
{
    private static readonly Guid Ann = new("0198a000-0000-7000-8000-00000000000a");
    private static readonly Membership Acme = new("acme", OrganizationRole.Admin, []);
    private static readonly Membership Beta = new("beta", OrganizationRole.Member, ["support", "sales"]);
    private static readonly Membership Gamma = new("gamma", OrganizationRole.Member, []);

    [Fact]
    public void A_caller_with_one_organisation_need_not_name_it()
    {
        Assert.Equal("acme", OwnerSelector.Organization(null).Find(CallerIn(Acme))?.Id);
        Assert.Null(OwnerSelector.Organization(null).Find(CallerIn()));
        Assert.Null(OwnerSelector.Organization(null).Find(CallerIn(Acme, Beta)));
    }

    [Theory]
    [InlineData("acme", true)]
    [InlineData("beta", true)]
    [InlineData("Acme", false)]
    [InlineData("acme ", false)]
    [InlineData("", false)]
    [InlineData("0198a000-0000-7000-8000-00000000000a", false)]
    public void Only_an_organisation_of_the_caller_is_found(string id, bool isFound) => Assert.Equal(
        isFound ? new SecretOwner(OwnerKind.Organization, id) : null, OwnerSelector.Organization(id).Find(CallerIn(Acme, Beta)));

    [Fact]
    public void Visibility_depends_on_the_role_in_each_organisation()
    {
        IEnumerable<SecretOwner> owners =
        [
            SecretOwner.User(Ann), SecretOwner.User(Guid.Empty), new(OwnerKind.Organization, Ann.ToString()),
            .. ((string[])["acme", "beta", "gamma", "delta"]).Select(id => new SecretOwner(OwnerKind.Organization, id)),
        ];
        WorkspaceAccess[] rules =
            [WorkspaceAccess.All, WorkspaceAccess.None, new(WorkspaceRule.Some, ["hr", "sales"]), new(WorkspaceRule.Some, ["hr", "Sales"])];
        var secrets = owners.SelectMany(owner => rules.Select((rule, number) =>
            Secret.Create(owner, $"{number}", "", new ToolBinding(null, null, IsDefault: false), rule, Ann, DateTimeOffset.UnixEpoch))).ToList();

        Assert.Equal(
            ["User 0", "User 1", "User 2", "User 3", "acme 0", "acme 1", "acme 2", "acme 3", "beta 0", "beta 2"],
            VisibleNames(secrets, CallerIn(Acme, Beta, Gamma)));
        Assert.Equal(["User 0", "User 1", "User 2", "User 3"], VisibleNames(secrets, CallerIn()));
    }

    private static IEnumerable<string> VisibleNames(IEnumerable<Secret> secrets, Caller caller) => secrets.AsQueryable().VisibleTo(caller).AsEnumerable()
        .Select(secret => $"{(secret.OwnerKind == OwnerKind.User && secret.OwnerId == Ann.ToString() ? "User" : secret.OwnerId)} {secret.Name}");

    private static Caller CallerIn(params IReadOnlyList<Membership> memberships) => new(Ann, Scopes.All, memberships, Credential.Bootstrap);
}
