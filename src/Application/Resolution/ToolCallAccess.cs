using Secrets.Application.Common;
using Secrets.Application.Secrets;

namespace Secrets.Application.Resolution;

/// <summary>Determines the user of a tool call, and refuses users, organisations and workspaces that the caller may not name.</summary>
internal sealed class ToolCallAccess(Caller caller, IUserNames names)
{
    public Caller Caller => caller;

    /// <summary>The user of a call, as an owner; null for a call for no user.</summary>
    /// <exception cref="InvalidRequestException">A runtime names no user. Its own user would be the wrong one.</exception>
    /// <exception cref="ForbiddenException">The caller may not name this user, organisation or workspace.</exception>
    public async ValueTask<SecretOwner?> UserOfAsync(IToolCallRequest request, CancellationToken cancellationToken)
    {
        if (request is { UserId.IsGiven: false, User: null } && caller.Has(Scopes.SecretsResolve))
        {
            throw new InvalidRequestException(UserReference.UserId, Codes.Missing, "Is required.");
        }

        if (request.OrganizationId is { } organization)
        {
            RequireAllowed(organization, request.Workspace);
        }

        var mayNameOthers = caller.Has(Scopes.SecretsResolve);
        var userId = request.User is { } name
            ? await names.FindAsync(name, caller, mayNameOthers, cancellationToken) ?? throw AnotherUser()
            : request.UserId.Else(caller.UserId);
        return userId is not { } id ? null
            : mayNameOthers || id == caller.UserId ? SecretOwner.User(id)
            : throw AnotherUser();
    }

    private static ForbiddenException AnotherUser() => new("Only a credential with the scope secrets:resolve may name another user.");

    private void RequireAllowed(string organization, string? workspace)
    {
        if (!MayName(organization))
        {
            throw new ForbiddenException("The credential is not for this organisation.");
        }

        // Callers without secrets:resolve see the secrets of all their workspaces.
        if (caller.Has(Scopes.SecretsResolve) && caller.IsBoundToWorkspaces(organization) && (workspace is null || !caller.IsIn(organization, workspace)))
        {
            throw new ForbiddenException("The credential is limited to certain workspaces of the organisation. Name one of them.");
        }
    }

    // A runtime that is bound to no organisation serves all of them.
    private bool MayName(string organization) =>
        caller.MembershipOf(organization) is not null
        || caller.Has(Scopes.Operator)
        || (caller.Has(Scopes.SecretsResolve) && caller.Memberships.Count == 0);
}
