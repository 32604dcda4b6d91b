using Secrets.Application.Common;
using Secrets.Domain.Secrets;

namespace Secrets.Application.Secrets;

/// <summary>What a caller may do with whose secrets. One's own: everything that one's scopes allow.</summary>
internal static class OwnerAccess
{
    /// <summary>The owner whom a request names.</summary>
    /// <exception cref="ForbiddenException">The caller has no part in it, or it is not clear which is meant.</exception>
    public static SecretOwner OwnerOf(this Caller caller, OwnerSelector selector) =>
        selector.Find(caller) ?? throw new ForbiddenException("The credential is not for this organisation, or for several of which none is named.");

    /// <summary>Refuses who may not change an owner's secrets.</summary>
    /// <exception cref="ForbiddenException">It is an organisation that the caller does not administer.</exception>
    public static void RequireWriter(this Caller caller, SecretOwner owner)
    {
        if (!caller.SeesAllOf(owner))
        {
            throw new ForbiddenException("Only an admin of the organisation may change its secrets.");
        }
    }

    /// <summary>Refuses who may not list an owner's secrets: members of an organisation list what one of their workspaces may use.</summary>
    /// <exception cref="ForbiddenException">A member names no workspace, or another's.</exception>
    public static void RequireReader(this Caller caller, SecretOwner owner, string? workspace)
    {
        if (!caller.SeesAllOf(owner) && (workspace is null || !caller.IsIn(owner.Id, workspace)))
        {
            throw new ForbiddenException("Only an admin of the organisation may list all of its secrets; members name one of their workspaces.");
        }
    }

    /// <summary>Refuses who may not see what an owner's secrets take of the quota: before and after one is stored, that tells the exact length of its value.</summary>
    /// <exception cref="ForbiddenException">It is an organisation that the caller does not administer.</exception>
    public static void RequireUsageReader(this Caller caller, SecretOwner owner)
    {
        if (!caller.SeesAllOf(owner))
        {
            throw new ForbiddenException("Only an admin of the organisation may see its usage.");
        }
    }

    /// <summary>Whether the caller is a member of that workspace; null: of any.</summary>
    public static bool IsIn(this Caller caller, string organization, string? workspace) =>
        caller.MembershipOf(organization) is { Workspaces: var own }
        && (workspace is null ? own.Count > 0 : own.Contains(workspace, StringComparer.Ordinal));

    private static bool SeesAllOf(this Caller caller, SecretOwner owner) => owner == caller.Owner || caller.Administers(owner);
}
