using MediatR;
using Microsoft.Extensions.Logging;
using Secrets.Application.Audit;
using Secrets.Application.Common;

namespace Secrets.Application.Behaviours;

/// <summary>Answers for rows that cannot even be read, in lists and wherever else nothing is verified: somebody changed them outside the service.</summary>
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

    [LoggerMessage(Level = LogLevel.Error, Message = "{Request} met a row that cannot be read, so it was changed outside the service: {Failure}")]
    private partial void Unreadable(string request, string failure);
}
