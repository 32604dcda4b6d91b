using Secrets.Domain.ApiKeys;
using Secrets.Domain.Secrets;

namespace Secrets.Domain.Tests;

/// <summary>Rows and envelopes hold these numbers, so a changed number would change the meaning of stored rows.</summary>
public sealed class StoredNumbers
{
    [Fact]
    public void Kinds_of_owner_keep_their_numbers() => Assert.Equal(["User=1", "Organization=2"], NumbersOf<OwnerKind>());

    [Fact]
    public void Workspace_rules_keep_their_numbers() => Assert.Equal(["All=1", "Some=2", "None=3"], NumbersOf<WorkspaceRule>());

    [Fact]
    public void Roles_keep_their_numbers() => Assert.Equal(["Member=1", "Admin=2"], NumbersOf<OrganizationRole>());

    [Fact]
    public void Scopes_keep_their_numbers() => Assert.Equal(
        [
            "None=0", "SecretsRead=1", "SecretsWrite=2", "SecretsResolve=4", "KeysManage=8", "AuditRead=16", "Operator=32", "UsersAct=64",
            "All=127",
        ],
        NumbersOf<Scopes>());

    [Fact]
    public void Sealed_enumerations_take_one_byte()
    {
        Assert.Equal(typeof(byte), Enum.GetUnderlyingType(typeof(OwnerKind)));
        Assert.Equal(typeof(byte), Enum.GetUnderlyingType(typeof(WorkspaceRule)));
    }

    [Fact]
    public void The_owner_id_of_a_user_is_the_lower_case_UUID()
    {
        var id = new Guid("ABCDEF00-0000-7000-8000-00000000000F");

        Assert.Equal(new SecretOwner(OwnerKind.User, "abcdef00-0000-7000-8000-00000000000f"), SecretOwner.User(id));
        Assert.Equal(id, SecretOwner.User(id).UserId);
        Assert.Throws<InvalidOperationException>(() => new SecretOwner(OwnerKind.Organization, id.ToString("D")).UserId);
    }

    private static IEnumerable<string> NumbersOf<T>()
        where T : struct, Enum =>
        Enum.GetValues<T>().Select(value => $"{value}={Convert.ToInt64(value, provider: null)}");
}
