using Microsoft.Extensions.Logging;
using Secrets.Application.Common;

namespace Secrets.Application.Behaviours;

/// <summary>Logs the use case, the user and the duration. Only names and ids, because a request may contain a value.</summary>
internal sealed partial class LoggingBehaviour<TRequest, TResponse>(
    ILogger<LoggingBehaviour<TRequest, TResponse>> logger, TimeProvider time, Caller caller) : IPipelineBehavior<TRequest, TResponse>
    where TRequest : IRequest<TResponse>
{
    public async Task<TResponse> Handle(TRequest request, CancellationToken cancellationToken, RequestHandlerDelegate<TResponse> next)
    {
        var start = time.GetTimestamp();
        try
        {
            var response = await next();
            Done(typeof(TRequest).Name, caller.UserId, time.GetElapsedTime(start).TotalMilliseconds);
            return response;
        }
        catch (FailureException failure)
        {
            Refused(typeof(TRequest).Name, caller.UserId, failure.GetType().Name);
            throw;
        }
    }

    [LoggerMessage(Level = LogLevel.Debug, Message = "{Request} by {UserId} took {Milliseconds:0.0} ms")]
    private partial void Done(string request, Guid userId, double milliseconds);

    [LoggerMessage(Level = LogLevel.Information, Message = "{Request} by {UserId} was refused: {Failure}")]
    private partial void Refused(string request, Guid userId, string failure);
}
