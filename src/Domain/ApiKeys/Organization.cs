using Secrets.Domain.Text;

namespace Secrets.Domain.ApiKeys;

/// <summary>What a member may do in an organisation. The numbers are stored: never renumber.</summary>
public enum OrganizationRole : byte
{
    /// <summary>Uses what its workspaces admit.</summary>
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

    /// <summary>Workspaces of one membership, at most.</summary>
    public const int MaxWorkspaces = 100;

    /// <summary>
    /// Whether the membership is limited to its workspaces. One that was given without workspaces is not limited. Two limited ones that share no workspace are limited to none together.
    /// </summary>
    public bool IsBound { get; private init; } = Workspaces.Count > 0;

    /// <summary>What two memberships of one organisation allow together: no more than each. An admin's is of every workspace.</summary>
    public Membership And(Membership other) => this with
    {
        Role = Role == OrganizationRole.Admin ? other.Role : Role,
        Workspaces = Role == OrganizationRole.Admin ? other.Workspaces
            : other.Role == OrganizationRole.Admin ? Workspaces
            : [.. Workspaces.Intersect(other.Workspaces, StringComparer.Ordinal)],
        IsBound = Role == OrganizationRole.Admin ? other.IsBound : other.Role == OrganizationRole.Admin ? IsBound : IsBound || other.IsBound,
    };
}

/// <summary>The names under which roles travel.</summary>
public static class RoleNames
{
    /// <summary>The role of that name, or null for a name that is not ours.</summary>
    public static OrganizationRole? Parse(string name) => name switch
    {
        "admin" => OrganizationRole.Admin,
        "member" => OrganizationRole.Member,
        _ => null,
    };

    /// <summary>The name of a role.</summary>
    public static string For(OrganizationRole role) => role == OrganizationRole.Admin ? "admin" : "member";
}
