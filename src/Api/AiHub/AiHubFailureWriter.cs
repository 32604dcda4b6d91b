using System.Text.Json;
using Secrets.Api.Errors;
using Secrets.Application.Secrets;

namespace Secrets.Api.AiHub;

/// <summary>Writes failures as the vault API does: <c>{"message": "..."}</c>. Missing rights are 401 there, and 403 means an exceeded quota.</summary>
internal sealed class AiHubFailureWriter : IFailureWriter
{
    private static readonly PathString Path = "/api/v2/aihub";

    /// <summary>Members that have other names in the use cases.</summary>
    private static readonly Dictionary<string, string> Members = new(StringComparer.Ordinal)
    {
        [nameof(CreateSecret.SecretName)] = "alias",
        [$"{nameof(UpdateSecret.Secret)}.{nameof(SecretSelector.Name)}"] = "alias",
        [nameof(CreateSecret.SecretValue)] = "value",
    };

    public FailureStatuses Statuses { get; } = new(
        Invalid: StatusCodes.Status400BadRequest, Forbidden: StatusCodes.Status401Unauthorized, QuotaExceeded: StatusCodes.Status403Forbidden);

    public IReadOnlyList<DocumentedFailure> CommonFailures { get; } =
    [
        new(StatusCodes.Status401Unauthorized, "The credential is missing, not accepted, not for this organisation, or not allowed to do this."),
        DocumentedFailure.TooMany,
        DocumentedFailure.Unavailable,
    ];

    public Type Body => typeof(Refusal);

    // Case-insensitive, like routing.
    public bool Writes(PathString path) => path.StartsWithSegments(Path, StringComparison.OrdinalIgnoreCase);

    public Task WriteAsync(HttpContext context, FailureAnswer answer) => context.Response.WriteAsJsonAsync(
        new Refusal { Message = answer.Violations is { } violations ? string.Join(' ', violations.Select(Describe)) : answer.Detail },
        context.RequestAborted);

    private static string Describe(Violation violation) =>
        violation.Member.Length == 0 ? violation.Message : $"{NameOf(violation.Member)}: {violation.Message}";

    /// <summary><c>AllowedWorkspaces[0]</c> becomes <c>allowed_workspaces[0]</c>.</summary>
    private static string NameOf(string member)
    {
        var end = member.IndexOf('[', StringComparison.Ordinal) is var at and >= 0 ? at : member.Length;
        return Members.TryGetValue(member, out var name) ? name : JsonNamingPolicy.SnakeCaseLower.ConvertName(member[..end]) + member[end..];
    }
}
