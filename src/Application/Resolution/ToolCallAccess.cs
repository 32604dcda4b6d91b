using Secrets.Application.Common;
using Secrets.Application.Secrets;
using Secrets.Domain.ApiKeys;
using Secrets.Domain.Secrets;

namespace Secrets.Application.Resolution;

/// <summary>Says for whom the caller asks about a call of a tool, and refuses what the caller may not name.</summary>
internal sealed class ToolCallAccess(Caller caller, IUserNames names)
{
    public Caller Caller => caller;

    /// <summary>The user of a call, as an owner; null for a call for no user.</summary>
    /// <exception cref="InvalidRequestException">A runtime does not say for whom it asks: it would get the values of its own user.</exception>
    /// <exception cref="ForbiddenException">Another user, or an organisation or a workspace that the caller has no part in.</exception>
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

        // People who may not resolve see what any of their workspaces may use.
        if (caller.Has(Scopes.SecretsResolve) && caller.IsBoundToWorkspaces(organization) && (workspace is null || !caller.IsIn(organization, workspace)))
        {
            throw new ForbiddenException("The credential is for certain workspaces of the organisation, of which the call has to name one.");
        }
    }

    // A runtime that is bound to no organisation serves all of them.
    private bool MayName(string organization) =>
        caller.MembershipOf(organization) is not null
        || caller.Has(Scopes.Operator)
        || (caller.Has(Scopes.SecretsResolve) && caller.Memberships.Count == 0);
}
