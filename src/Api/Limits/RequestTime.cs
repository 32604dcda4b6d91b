using Microsoft.AspNetCore.Http.Timeouts;
using Microsoft.AspNetCore.Mvc.Filters;
using Secrets.Api.Errors;

namespace Secrets.Api.Limits;

/// <summary>Cancels slow requests. A cancelled request has changed nothing, because commits ignore this cancellation.</summary>
internal sealed class RequestTime(IOptions<LimitOptions> limits, FailureHandler failures) : IConfigureOptions<RequestTimeoutOptions>
{
    public void Configure(RequestTimeoutOptions options) => options.DefaultPolicy = new RequestTimeoutPolicy
    {
        Timeout = TimeSpan.FromSeconds(limits.Value.RequestSeconds),
        TimeoutStatusCode = StatusCodes.Status503ServiceUnavailable,
        WriteTimeoutResponse = context =>
        {
            // RequestAborted is still the expired token, so writing the response would be cancelled too.
            context.RequestAborted = CancellationToken.None;
            return failures.WriteAsync(context, FailureAnswer.ForStatus(StatusCodes.Status503ServiceUnavailable));
        },
    };
}

/// <summary>
/// Stops the cancellation once a result exists. If writing the result were cancelled, MVC would silently send 200 with a partial or empty body.
/// </summary>
internal sealed class FinishedRequests : IAlwaysRunResultFilter
{
    public void OnResultExecuting(ResultExecutingContext context) => context.HttpContext.RequestAborted = CancellationToken.None;

    public void OnResultExecuted(ResultExecutedContext context)
    {
    }
}
