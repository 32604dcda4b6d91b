using Secrets.Domain.Text;

namespace Secrets.Domain.ApiKeys;

/// <summary>A role in an organisation. The numbers are stored: never renumber.</summary>
public enum OrganizationRole : byte
{
    /// <summary>Uses the secrets that its workspaces admit.</summary>
    Member = 1,

    /// <summary>Manages the organisation's secrets and keys.</summary>
    Admin = 2,
}

/// <summary>An organisation that a principal belongs to, in which role, and the workspaces it is a member of.</summary>
public sealed record Membership(string OrganizationId, OrganizationRole Role, IReadOnlyList<string> Workspaces)
{
    /// <summary>Length of an organisation's identifier.</summary>
    public static readonly TextLength OrganizationIdLength = new(1, 255);

    /// <summary>Length of a workspace's name.</summary>
    public static readonly TextLength WorkspaceLength = new(1, 255);

    /// <summary>The most workspaces of one membership.</summary>
    public const int MaxWorkspaces = 100;

    /// <summary>
    /// Whether the membership is limited to its workspaces. A membership without workspaces is not limited.
    /// Two limited memberships that share no workspace combine to one that is limited to no workspace at all.
    /// </summary>
    public bool IsBound { get; private init; } = Workspaces.Count > 0;

    /// <summary>The rights that both memberships of one organisation have. An admin belongs to every workspace.</summary>
    public Membership And(Membership other) => this with
    {
        Role = Role == OrganizationRole.Admin ? other.Role : Role,
        Workspaces = Role == OrganizationRole.Admin ? other.Workspaces
            : other.Role == OrganizationRole.Admin ? Workspaces
            : [.. Workspaces.Intersect(other.Workspaces, StringComparer.Ordinal)],
        IsBound = Role == OrganizationRole.Admin ? other.IsBound : other.Role == OrganizationRole.Admin ? IsBound : IsBound || other.IsBound,
    };
}

/// <summary>The names of roles in requests and answers.</summary>
public static class RoleNames
{
    /// <summary>The role of that name; null: unknown.</summary>
    public static OrganizationRole? Parse(string name) => name switch
    {
        "admin" => OrganizationRole.Admin,
        "member" => OrganizationRole.Member,
        _ => null,
    };

    /// <summary>The name of a role.</summary>
    public static string For(OrganizationRole role) => role == OrganizationRole.Admin ? "admin" : "member";
}
