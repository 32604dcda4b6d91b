using FluentValidation;
using Secrets.Application.Common;
using Secrets.Domain.ApiKeys;
using Secrets.Domain.Resolution;
using Secrets.Domain.Secrets;

namespace Secrets.Application.Secrets;

/// <summary>A request about a call of a tool.</summary>
public interface IToolCallRequest
{
    /// <summary>Whom the call is for; null: the caller.</summary>
    Guid? UserId { get; }

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
        validator.RuleFor(request => request.Workspace).Text(Membership.WorkspaceLength);
    }

    /// <summary>Refuses what the caller may not name.</summary>
    /// <exception cref="ForbiddenException">Another user, or an organisation that the caller has no part in.</exception>
    public static void RequireAllowed(this Caller caller, IToolCallRequest request)
    {
        if (request.UserId is { } user && user != caller.UserId && !caller.Has(Scopes.SecretsResolve))
        {
            throw new ForbiddenException("Only a credential with the scope secrets:resolve may name another user.");
        }

        if (request.OrganizationId is { } organization && !MayName(caller, organization))
        {
            throw new ForbiddenException("The credential is not for this organisation.");
        }
    }

    public static SecretOwner UserOf(this IToolCallRequest request, Caller caller) => SecretOwner.User(request.UserId ?? caller.UserId);

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
