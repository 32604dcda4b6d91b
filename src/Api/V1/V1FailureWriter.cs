using System.Text.Json;
using Secrets.Api.Errors;

namespace Secrets.Api.V1;

/// <summary>
/// Writes failures as the agent-secrets API does: <c>{"detail": "..."}</c>, and for an invalid request a list of places, messages and
/// types. This writer takes every path that no other dialect claims.
/// </summary>
internal sealed class V1FailureWriter : IFailureWriter
{
    public FailureStatuses Statuses { get; } = new(
        Invalid: StatusCodes.Status422UnprocessableEntity,
        Forbidden: StatusCodes.Status403Forbidden,
        QuotaExceeded: StatusCodes.Status413PayloadTooLarge);

    public IReadOnlyList<DocumentedFailure> CommonFailures { get; } =
    [
        new(StatusCodes.Status401Unauthorized, "The credential is missing or not accepted."),
        new(StatusCodes.Status403Forbidden, "The credential is not allowed to do this."),
        DocumentedFailure.TooMany,
        DocumentedFailure.Unavailable,
    ];

    public Type Body => typeof(Error);

    public bool Writes(PathString path) => true;

    public Task WriteAsync(HttpContext context, FailureAnswer answer) => answer.Violations is { } violations
        ? context.Response.WriteAsJsonAsync(
            new InvalidRequestError { Detail = [.. violations.Select(violation => Describe(violation, context.Request.Method))] },
            context.RequestAborted)
        : context.Response.WriteAsJsonAsync(new Error { Detail = answer.Detail }, context.RequestAborted);

    private static InvalidMember Describe(Violation violation, string method)
    {
        var source = violation.Source ?? (HttpMethods.IsGet(method) ? "query" : "body");
        return new InvalidMember { Loc = [source, .. Steps(violation.Member), .. violation.Unknown is { } name ? new[] { name } : []], Msg = violation.Message, Type = violation.Code };
    }

    /// <summary><c>Scopes[0]</c> becomes <c>"scopes", 0</c>.</summary>
    private static IEnumerable<object> Steps(string member) => member
        .Split(['.', '[', ']'], StringSplitOptions.RemoveEmptyEntries)
        .Select(step => int.TryParse(step, out var index) ? index : (object)JsonNamingPolicy.SnakeCaseLower.ConvertName(step));
}
