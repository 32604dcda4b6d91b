using Secrets.Application.Common;
using Secrets.Domain.Resolution;

namespace Secrets.Application.Resolution;

/// <summary>A request about a tool call.</summary>
public interface IToolCallRequest
{
    /// <summary>The user whom the call is for; null: no user, only the organisation's secrets; omitted: the caller. Callers with secrets:resolve must not omit it.</summary>
    Optional<Guid?> UserId { get; }

    /// <summary>The user's name in place of <see cref="UserId"/>; null: not given.</summary>
    string? User { get; }

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

/// <summary>Rules and conversions of tool call requests.</summary>
internal static class ToolCallRequests
{
    /// <summary>The most arguments of one request, references included.</summary>
    public const int MaxArguments = 100;

    private static readonly Dictionary<string, string> NoReferences = [];

    public static void ValidateToolCall<T>(this AbstractValidator<T> validator)
        where T : IToolCallRequest
    {
        // One rule for each member, because a rule costs more than its checks. When() applies to the checks before it.
        validator.RuleFor(request => request.User)
            .Null().When(request => request.UserId.IsGiven).WithErrorCode(Codes.BadValue).WithMessage(UserReference.Both)
            .UserName();
        validator.RuleFor(request => request.ToolName).Required().Name(ToolPattern.Length);
        validator.RuleFor(request => request.ToolArgs)
            .Must((request, arguments) => arguments is null || CountWithReferences(arguments, request) <= MaxArguments)
            .When(request => request.References is { Count: > 0 and <= MaxArguments })
            .WithErrorCode(Codes.BadValue).WithMessage($"Name at most {MaxArguments} different arguments in tool_args and references together.")
            .Names(ToolBinding.ArgLength, MaxArguments);
        validator.RuleFor(request => request.References).Names(ToolBinding.ArgLength, Secret.NameLength, MaxArguments);
        validator.RuleFor(request => request.OrganizationId)
            .NotNull().When(request => request.UserId is { IsGiven: true, Value: null }).WithErrorCode(Codes.Missing).WithMessage("Is required if user_id is null.")
            .Text(Membership.OrganizationIdLength);
        validator.RuleFor(request => request.Workspace).Text(Membership.WorkspaceLength);
    }

    /// <summary>Whether the caller is limited to certain workspaces of an organisation. Admins are not.</summary>
    public static bool IsBoundToWorkspaces(this Caller caller, string organization) =>
        caller.MembershipOf(organization) is { IsBound: true, Role: not OrganizationRole.Admin } && !caller.Has(Scopes.Operator);

    public static ToolCall ToCall(this IToolCallRequest request) =>
        new(request.ToolName!, request.ToolArgs, request.References ?? NoReferences, request.Workspace);

    /// <summary>The organisation of a call; null: none.</summary>
    public static SecretOwner? OrganizationOf(this IToolCallRequest request) =>
        request.OrganizationId is { } id ? new SecretOwner(OwnerKind.Organization, id) : null;

    private static int CountWithReferences(IReadOnlyList<string> arguments, IToolCallRequest request) =>
        arguments.Union(request.References!.Keys, StringComparer.Ordinal).Count();
}
