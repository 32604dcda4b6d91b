using Microsoft.AspNetCore.Diagnostics.HealthChecks;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Secrets.Api.Errors;

namespace Secrets.Api.Health;

/// <summary>Is the process alive, and can it do its work?</summary>
internal static class HealthEndpoints
{
    public static void MapHealth(this IEndpointRouteBuilder endpoints)
    {
        endpoints.MapHealthChecks("/health/live", Answer(_ => false)).AllowAnonymous();
        endpoints.MapHealthChecks("/health/ready", Answer(_ => true)).AllowAnonymous();
    }

    private static HealthCheckOptions Answer(Func<HealthCheckRegistration, bool> predicate) => new()
    {
        Predicate = predicate,
        ResponseWriter = (context, report) => report.Status == HealthStatus.Healthy
            ? context.Response.WriteAsJsonAsync(new { status = "ok" })
            : context.RequestServices.GetRequiredService<FailureHandler>()
                .WriteAsync(context, FailureAnswer.OfStatus(StatusCodes.Status503ServiceUnavailable)),
    };
}
