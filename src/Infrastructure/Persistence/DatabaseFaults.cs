using MediatR;
using Secrets.Application.Audit;
using Secrets.Infrastructure.Foundation;

namespace Secrets.Infrastructure.Persistence;

/// <summary>Translates exceptions of a database for the layers above, which know no provider.</summary>
internal static class DatabaseFaults
{
    /// <summary>Runs a call, and throws <see cref="UnavailableException"/> if the database is unavailable.</summary>
    public static async Task<T> TranslateAsync<T>(this IDatabaseFaults faults, Func<Task<T>> call, CancellationToken cancellationToken)
    {
        try
        {
            return await call();
        }
        catch (Exception exception) when (faults.IsUnavailable(exception, cancellationToken))
        {
            throw faults.ToUnavailable(exception);
        }
    }

    /// <summary>Whether to translate an exception: a retry may succeed, and the caller has not cancelled the call.</summary>
    /// <remarks>A cancelled call stays cancelled, so that the web server recognises time-outs and disconnected clients.</remarks>
    public static bool IsUnavailable(this IDatabaseFaults faults, Exception exception, CancellationToken cancellationToken) =>
        exception is not FailureException
        && !exception.IsCancelledBy(cancellationToken)
        && faults.IsUnavailable(exception);

    /// <summary>The failure for such an exception.</summary>
    public static UnavailableException ToUnavailable(this IDatabaseFaults faults, Exception exception) => new(exception, faults.CodeOf(exception));
}

/// <summary>
/// Translates exceptions of the database for every request, and those of unreadable rows: queries that verify nothing, such as lists, can meet manipulated rows.
/// The outermost behaviour, because other behaviours read the database too.
/// </summary>
internal sealed partial class DatabaseFaultsBehaviour<TRequest, TResponse>(IDatabaseFaults faults, ILogger<DatabaseFaultsBehaviour<TRequest, TResponse>> logger)
    : IPipelineBehavior<TRequest, TResponse>
    where TRequest : IRequest<TResponse>
{
    public async Task<TResponse> Handle(TRequest request, CancellationToken cancellationToken, RequestHandlerDelegate<TResponse> next)
    {
        try
        {
            return await next();
        }
        catch (Exception exception) when (faults.IsUnavailable(exception, cancellationToken))
        {
            throw faults.ToUnavailable(exception);
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
