using System.Globalization;
using Microsoft.AspNetCore.Diagnostics.HealthChecks;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Secrets.Api.Authentication;
using Secrets.Api.Errors;
using Secrets.Domain.ApiKeys;

namespace Secrets.Api.Health;

/// <summary>The endpoints for liveness and readiness.</summary>
internal static class HealthEndpoints
{
    public static void MapHealth(this IEndpointRouteBuilder endpoints)
    {
        endpoints.MapHealthChecks("/health/live", Answer(_ => false, AnswerAsync)).AllowAnonymous();
        endpoints.MapHealthChecks("/health/ready", Answer(_ => true, AnswerReadyAsync)).AllowAnonymous();
    }

    private static HealthCheckOptions Answer(Func<HealthCheckRegistration, bool> predicate, Func<HttpContext, HealthReport, Task> write) =>
        new() { Predicate = predicate, ResponseWriter = write };

    private static Task AnswerAsync(HttpContext context, HealthReport report) => report.Status == HealthStatus.Healthy
        ? context.Response.WriteAsJsonAsync(new { status = "ok" })
        : context.RequestServices.GetRequiredService<FailureHandler>().WriteAsync(context, FailureAnswer.ForStatus(StatusCodes.Status503ServiceUnavailable));

    /// <summary>Answers an operator with the failed checks, their reasons, and the number of owners that do not verify.</summary>
    private static async Task AnswerReadyAsync(HttpContext context, HealthReport report)
    {
        if (!await IsOperatorAsync(context))
        {
            await AnswerAsync(context, report);
            return;
        }

        var (owners, since) = context.RequestServices.GetRequiredService<IIntegrityReport>().State;
        var integrity = new { owners, since };
        if (report.Status == HealthStatus.Healthy)
        {
            await context.Response.WriteAsJsonAsync(new { status = "ok", integrity });
            return;
        }

        var failure = FailureAnswer.ForStatus(StatusCodes.Status503ServiceUnavailable);
        context.Response.Headers.RetryAfter = failure.RetryAfterSeconds?.ToString(CultureInfo.InvariantCulture);
        var failed = report.Entries.Where(entry => entry.Value.Status != HealthStatus.Healthy).ToList();

        // Messages of exceptions belong in the log only.
        var reasons = failed.Where(entry => entry.Value.Exception is null && entry.Value.Description is not null)
            .ToDictionary(entry => entry.Key, entry => entry.Value.Description, StringComparer.Ordinal);
        await context.Response.WriteAsJsonAsync(new { detail = failure.Detail, failed = failed.Select(entry => entry.Key), reasons, integrity });
    }

    /// <summary>Whether an operator asks. False without a credential, or if it cannot be checked now.</summary>
    private static async Task<bool> IsOperatorAsync(HttpContext context)
    {
        if (CredentialHeaders.Credential(context.Request.Headers) is not { } text)
        {
            return false;
        }

        var (limit, credentials) = (context.RequestServices.GetRequiredService<ICredentialLimit>(), text.GetHashCode(StringComparison.Ordinal));
        try
        {
            using var place = await limit.QueueAsync(context.Connection.RemoteIpAddress, credentials, context.RequestAborted);
            if (place is { IsAcquired: false })
            {
                return false;
            }

            var verdict = await context.RequestServices.GetRequiredService<ICredentialAuthenticator>().AuthenticateAsync(text, mayUseCache: false, context.RequestAborted);
            if (verdict.Caller is not { } caller)
            {
                limit.Count(context, RefusedCredential.FromVerdict(text, verdict));
                return false;
            }

            limit.NoteAccepted(credentials);
            return caller.Has(Scopes.Operator);
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            return false;
        }
    }
}
