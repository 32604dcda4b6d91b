using System.Text.Json;
using Secrets.Api.Errors;
using Secrets.Application.Common;
using Secrets.Application.Secrets;

namespace Secrets.Api.AiHub;

/// <summary>
/// Failures as the vault API has them: <c>{"message": "..."}</c>. It says 401 to a caller who may not do something, and keeps 403 for the
/// quota.
/// </summary>
internal sealed class AiHubFailureWriter : IFailureWriter
{
    private static readonly PathString Path = "/api/v2/aihub";

    /// <summary>What the use cases call otherwise than this dialect does.</summary>
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
        new(StatusCodes.Status401Unauthorized, "No credential, or one that is not accepted, not for this organisation, or may not do this."),
        DocumentedFailure.TooMany,
        DocumentedFailure.Unavailable,
    ];

    public Type Body => typeof(Refusal);

    // Ignoring case, as routing does.
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
