using FluentValidation;
using Secrets.Application.Common;
using Secrets.Domain.ApiKeys;
using Secrets.Domain.Resolution;
using Secrets.Domain.Secrets;

namespace Secrets.Application.Secrets;

/// <summary>A request about a call of a tool.</summary>
public interface IToolCallRequest
{
    /// <summary>The user whom the call is for; null: no user, so that only the organisation's secrets count; left out: the caller.</summary>
    Optional<Guid?> UserId { get; }

    /// <inheritdoc cref="ToolCall.ToolName" />
    string? ToolName { get; }

    /// <inheritdoc cref="ToolCall.Arguments" />
    IReadOnlyList<string>? ToolArgs { get; }

    /// <inheritdoc cref="ToolCall.References" />
    IReadOnlyDictionary<string, string>? References { get; }

    /// <summary>The organisation that the call is made in; null: none.</summary>
    string? OrganizationId { get; }

    /// <inheritdoc cref="ToolCall.Workspace" />
    string? Workspace { get; }
}

/// <summary>What requests about a call of a tool share.</summary>
internal static class ToolCallRequests
{
    /// <summary>The most arguments that one request may name, those of references included.</summary>
    public const int MaxArguments = 100;

    private static readonly Dictionary<string, string> NoReferences = [];

    public static void ValidateToolCall<T>(this AbstractValidator<T> validator)
        where T : IToolCallRequest
    {
        validator.RuleFor(request => request.ToolName).Required();
        validator.RuleFor(request => request.ToolName).Name(ToolPattern.Length);
        validator.RuleFor(request => request.ToolArgs).Names(ToolBinding.ArgLength, MaxArguments);
        validator.RuleFor(request => request.References).Names(ToolBinding.ArgLength, Secret.NameLength, MaxArguments);
        validator.RuleFor(request => request.ToolArgs)
            .Must((request, arguments) => arguments is null || CountWithReferences(arguments, request) <= MaxArguments)
            .When(request => request.References is { Count: > 0 and <= MaxArguments })
            .WithErrorCode(Codes.BadValue).WithMessage($"Must name at most {MaxArguments} different arguments together with references.");
        validator.RuleFor(request => request.OrganizationId).Text(Membership.OrganizationIdLength);
        validator.RuleFor(request => request.OrganizationId).NotNull()
            .When(request => request.UserId is { IsGiven: true, Value: null })
            .WithErrorCode(Codes.Missing).WithMessage("Is required where user_id is null.");
        validator.RuleFor(request => request.Workspace).Text(Membership.WorkspaceLength);
    }

    /// <summary>Refuses what the caller may not name.</summary>
    /// <exception cref="InvalidRequestException">A runtime does not say for whom it asks: it would get the values of its own user.</exception>
    /// <exception cref="ForbiddenException">Another user, or an organisation or a workspace that the caller has no part in.</exception>
    public static void RequireAllowed(this Caller caller, IToolCallRequest request)
    {
        if (!request.UserId.IsGiven && caller.Has(Scopes.SecretsResolve))
        {
            throw new InvalidRequestException(nameof(IToolCallRequest.UserId), Codes.Missing, "Is required.");
        }

        if (request.UserId.Value is { } user && user != caller.UserId && !caller.Has(Scopes.SecretsResolve))
        {
            throw new ForbiddenException("Only a credential with the scope secrets:resolve may name another user.");
        }

        if (request.OrganizationId is { } organization && !MayName(caller, organization))
        {
            throw new ForbiddenException("The credential is not for this organisation.");
        }

        // People who may not resolve see what any of their workspaces may use.
        if (request.OrganizationId is { } bound && caller.Has(Scopes.SecretsResolve) && caller.IsBoundToWorkspaces(bound) && (request.Workspace is null || !caller.IsIn(bound, request.Workspace)))
        {
            throw new ForbiddenException("The credential is for certain workspaces of the organisation, of which the call has to name one.");
        }
    }

    /// <summary>Whether the caller may act in certain workspaces of an organisation only. Admins may act in all.</summary>
    public static bool IsBoundToWorkspaces(this Caller caller, string organization) =>
        caller.MembershipOf(organization) is { IsBound: true, Role: not OrganizationRole.Admin } && !caller.Has(Scopes.Operator);

    /// <summary>The user of a call, as an owner; null for a call for no user.</summary>
    public static SecretOwner? UserOf(this IToolCallRequest request, Caller caller) =>
        request.UserId.Else(caller.UserId) is { } user ? SecretOwner.User(user) : null;

    public static ToolCall ToCall(this IToolCallRequest request) =>
        new(request.ToolName!, request.ToolArgs, request.References ?? NoReferences, request.Workspace);

    /// <summary>The organisation of a call, as an owner; null for a call outside of any.</summary>
    public static SecretOwner? OrganizationOf(this IToolCallRequest request) =>
        request.OrganizationId is { } id ? new SecretOwner(OwnerKind.Organization, id) : null;

    // A runtime that is bound to no organisation serves all of them.
    private static bool MayName(Caller caller, string organization) =>
        caller.MembershipOf(organization) is not null
        || caller.Has(Scopes.Operator)
        || (caller.Has(Scopes.SecretsResolve) && caller.Memberships.Count == 0);

    private static int CountWithReferences(IReadOnlyList<string> arguments, IToolCallRequest request) =>
        arguments.Union(request.References!.Keys, StringComparer.Ordinal).Count();
}
