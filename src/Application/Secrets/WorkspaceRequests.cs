using Secrets.Application.Common;

namespace Secrets.Application.Secrets;

/// <summary>A request that may set the workspaces of a secret.</summary>
public interface IWorkspaceRequest
{
    /// <summary><c>ALL</c>, <c>SOME</c> or <c>NONE</c>; null: unchanged.</summary>
    string? AllowedWorkspacesType { get; }

    /// <summary>The workspaces for <c>SOME</c>; null: unchanged. Ignored with another rule.</summary>
    IReadOnlyList<string>? AllowedWorkspaces { get; }
}

/// <summary>Rules of requests that may set the workspaces of a secret.</summary>
internal static class WorkspaceRequests
{
    public static void ValidateWorkspaces<T>(this AbstractValidator<T> validator)
        where T : IWorkspaceRequest
    {
        validator.RuleFor(request => request.AllowedWorkspacesType).Must(name => name is null || WorkspaceRuleNames.Parse(name) is not null)
            .WithErrorCode(Codes.BadValue).WithMessage($"Must be one of {string.Join(", ", WorkspaceRuleNames.All)}.");
        validator.When(
            request => RuleOf(request) is null or WorkspaceRule.Some,
            () => validator.RuleFor(request => request.AllowedWorkspaces).Names(Membership.WorkspaceLength, WorkspaceAccess.MaxWorkspaces));
    }

    /// <summary>The workspaces of the secret after the request.</summary>
    /// <exception cref="InvalidRequestException">The rule is <c>SOME</c>, and the list is empty.</exception>
    public static WorkspaceAccess WorkspacesAfter(this IWorkspaceRequest request, WorkspaceAccess before)
    {
        var after = new WorkspaceAccess(RuleOf(request) ?? before.Rule, request.AllowedWorkspaces ?? before.Names);
        return after is { Rule: WorkspaceRule.Some, Names.Count: 0 }
            ? throw new InvalidRequestException(
                nameof(IWorkspaceRequest.AllowedWorkspaces), Codes.Missing, "Must name at least one workspace if allowed_workspaces_type is SOME.")
            : after;
    }

    private static WorkspaceRule? RuleOf(IWorkspaceRequest request) =>
        request.AllowedWorkspacesType is { } name ? WorkspaceRuleNames.Parse(name) : null;
}
