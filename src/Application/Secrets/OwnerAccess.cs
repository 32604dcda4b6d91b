using Secrets.Application.Common;

namespace Secrets.Application.Secrets;

/// <summary>Rights on an owner's secrets. Callers have all rights on their own secrets, within their scopes.</summary>
internal static class OwnerAccess
{
    /// <summary>The owner whom a request names.</summary>
    /// <exception cref="ForbiddenException">The caller does not belong to the owner, or must name one of several.</exception>
    public static SecretOwner OwnerOf(this Caller caller, OwnerSelector selector) =>
        selector.Find(caller) ?? throw new ForbiddenException("The credential does not belong to this organisation, or belongs to several and must name one.");

    /// <summary>Requires the right to change an owner's secrets.</summary>
    /// <exception cref="ForbiddenException">The owner is an organisation, and the caller is not its admin.</exception>
    public static void RequireWriter(this Caller caller, SecretOwner owner)
    {
        if (!caller.SeesAllOf(owner))
        {
            throw new ForbiddenException("Only an admin of the organisation may change its secrets.");
        }
    }

    /// <summary>The owners whose secrets the caller may change (<see cref="RequireWriter"/>).</summary>
    public static IEnumerable<SecretOwner> WritableOwners(this Caller caller) =>
        caller.Administered.Select(id => new SecretOwner(OwnerKind.Organization, id)).Prepend(caller.Owner);

    /// <summary>Requires the right to list an owner's secrets. Members of an organisation list the secrets of one of their workspaces.</summary>
    /// <exception cref="ForbiddenException">A member named no workspace, or a workspace of others.</exception>
    public static void RequireReader(this Caller caller, SecretOwner owner, string? workspace)
    {
        if (!caller.SeesAllOf(owner) && (workspace is null || !caller.IsIn(owner.Id, workspace)))
        {
            throw new ForbiddenException("Only an admin of the organisation may list all of its secrets; members name one of their workspaces.");
        }
    }

    /// <summary>Requires the right to see an owner's usage. Members may not: the usage before and after a create shows the exact length of the value.</summary>
    /// <exception cref="ForbiddenException">The owner is an organisation, and the caller is not its admin.</exception>
    public static void RequireUsageReader(this Caller caller, SecretOwner owner)
    {
        if (!caller.SeesAllOf(owner))
        {
            throw new ForbiddenException("Only an admin of the organisation may see its usage.");
        }
    }

    /// <summary>Whether the caller belongs to that workspace; null: to any workspace.</summary>
    public static bool IsIn(this Caller caller, string organization, string? workspace) =>
        caller.MembershipOf(organization) is { Workspaces: var own }
        && (workspace is null ? own.Count > 0 : own.Contains(workspace, StringComparer.Ordinal));

    private static bool SeesAllOf(this Caller caller, SecretOwner owner) => owner == caller.Owner || caller.Administers(owner);
}
