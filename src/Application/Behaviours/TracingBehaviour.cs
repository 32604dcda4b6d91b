using System.Diagnostics;
using Secrets.Application.Common;

namespace Secrets.Application.Behaviours;

/// <summary>Traces each request. The span has the name of the request's type and, after a failure, the name of the exception's type; nothing of the request.</summary>
internal sealed class TracingBehaviour<TRequest, TResponse> : IPipelineBehavior<TRequest, TResponse>
    where TRequest : IRequest<TResponse>
{
    public Task<TResponse> Handle(TRequest request, CancellationToken cancellationToken, RequestHandlerDelegate<TResponse> next) =>
        Instruments.Source.StartActivity(typeof(TRequest).Name) is { } span ? TraceAsync(span, next) : next();

    private static async Task<TResponse> TraceAsync(Activity span, RequestHandlerDelegate<TResponse> next)
    {
        using (span)
        {
            try
            {
                return await next();
            }
            catch (Exception exception)
            {
                // The other failures are answers to the caller, not faults of the service.
                if (exception is UnavailableException or not FailureException)
                {
                    span.SetStatus(ActivityStatusCode.Error);
                }

                span.SetTag("error.type", exception.GetType().Name);
                throw;
            }
        }
    }
}
