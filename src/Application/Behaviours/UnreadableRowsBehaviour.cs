using Microsoft.Extensions.Logging;
using Secrets.Application.Audit;
using Secrets.Application.Common;

namespace Secrets.Application.Behaviours;

/// <summary>Turns the exception for an unreadable row into a failure. Queries that verify nothing, such as lists, can meet manipulated rows.</summary>
internal sealed partial class UnreadableRowsBehaviour<TRequest, TResponse>(ILogger<UnreadableRowsBehaviour<TRequest, TResponse>> logger) : IPipelineBehavior<TRequest, TResponse>
    where TRequest : IRequest<TResponse>
{
    public async Task<TResponse> Handle(TRequest request, CancellationToken cancellationToken, RequestHandlerDelegate<TResponse> next)
    {
        try
        {
            return await next();
        }
        catch (Exception exception) when (AuditRows.AreUnreadable(exception))
        {
            Unreadable(typeof(TRequest).Name, exception.GetType().Name);
            throw new TamperedOwnerException();
        }
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "{Request} read a row that was changed outside the service and cannot be parsed: {Failure}")]
    private partial void Unreadable(string request, string failure);
}
