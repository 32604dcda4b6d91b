using Microsoft.AspNetCore.Diagnostics;

namespace Secrets.Api.Errors;

/// <summary>Answers every failure, in the form of the request's dialect.</summary>
internal sealed partial class FailureHandler(IEnumerable<IFailureWriter> writers, ILogger<FailureHandler> logger) : IExceptionHandler
{
    public async ValueTask<bool> TryHandleAsync(HttpContext httpContext, Exception exception, CancellationToken cancellationToken)
    {
        var answer = FailureAnswer.FromException(exception, WriterOf(httpContext).Statuses);
        if (answer.Status >= StatusCodes.Status500InternalServerError)
        {
            // Without the message: the framework quotes unparsable input in it, which may be a value.
            if (exception is UnavailableException unavailable)
            {
                // Without the stack: every request fails like this while the database is down.
                Unavailable(TypesOf(unavailable.Cause ?? unavailable), unavailable.Code ?? "none");
            }
            else
            {
                Failed(TypesOf(exception), exception.StackTrace);
            }
        }

        await WriteAsync(httpContext, answer);
        return true;
    }

    /// <summary>Writes an answer without an exception, such as the router's 405.</summary>
    public Task WriteAsync(HttpContext context, FailureAnswer answer)
    {
        var response = context.Response;
        response.StatusCode = answer.Status;
        if (answer.Status == StatusCodes.Status401Unauthorized && response.Headers.WWWAuthenticate.Count == 0)
        {
            response.Headers.WWWAuthenticate = "Bearer";
        }

        if (answer.RetryAfterSeconds is { } seconds)
        {
            response.Headers.RetryAfter = seconds.ToString(System.Globalization.CultureInfo.InvariantCulture);
        }

        return WriterOf(context).WriteAsync(context, answer);
    }

    // The last writer takes every path.
    private IFailureWriter WriterOf(HttpContext context) => writers.First(writer => writer.Writes(context.Request.Path));

    private static string TypesOf(Exception exception) =>
        exception.InnerException is { } inner ? $"{exception.GetType()} of {TypesOf(inner)}" : exception.GetType().ToString();

    [LoggerMessage(Level = LogLevel.Error, Message = "A request could not be answered now: {Types} (database code: {Code})")]
    private partial void Unavailable(string types, string code);

    [LoggerMessage(Level = LogLevel.Error, Message = "A request failed with {Types} at {Stack}")]
    private partial void Failed(string types, string? stack);
}
