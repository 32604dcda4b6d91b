using Microsoft.AspNetCore.Http.Timeouts;
using Microsoft.AspNetCore.Mvc.Filters;
using Microsoft.Extensions.Options;
using Secrets.Api.Errors;

namespace Secrets.Api.Limits;

/// <summary>How long a request may take. One that is given up has changed nothing: no commit listens to the caller's cancellation.</summary>
internal sealed class RequestTime(IOptions<LimitOptions> limits, FailureHandler failures) : IConfigureOptions<RequestTimeoutOptions>
{
    public void Configure(RequestTimeoutOptions options) => options.DefaultPolicy = new RequestTimeoutPolicy
    {
        Timeout = TimeSpan.FromSeconds(limits.Value.RequestSeconds),
        TimeoutStatusCode = StatusCodes.Status503ServiceUnavailable,
        WriteTimeoutResponse = context =>
        {
            // Still the token that gave the request up: the answer would be cancelled with it.
            context.RequestAborted = CancellationToken.None;
            return failures.WriteAsync(context, FailureAnswer.ForStatus(StatusCodes.Status503ServiceUnavailable));
        },
    };
}

/// <summary>
/// Lets what was done be answered, however late. Were the writing of a result cancelled too, MVC would keep silent about it and send 200 with
/// half of the answer, or with none.
/// </summary>
internal sealed class FinishedRequests : IAlwaysRunResultFilter
{
    public void OnResultExecuting(ResultExecutingContext context) => context.HttpContext.RequestAborted = CancellationToken.None;

    public void OnResultExecuted(ResultExecutedContext context)
    {
    }
}
