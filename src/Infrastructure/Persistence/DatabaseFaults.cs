using MediatR;

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
        && !(exception is OperationCanceledException && cancellationToken.IsCancellationRequested)
        && faults.IsUnavailable(exception);

    /// <summary>The failure for such an exception.</summary>
    public static UnavailableException ToUnavailable(this IDatabaseFaults faults, Exception exception) => new(exception, faults.CodeOf(exception));
}

/// <summary>Translates exceptions of the database for every request. The outermost behaviour, because other behaviours read the database too.</summary>
internal sealed class DatabaseFaultsBehaviour<TRequest, TResponse>(IDatabaseFaults faults) : IPipelineBehavior<TRequest, TResponse>
    where TRequest : IRequest<TResponse>
{
    public Task<TResponse> Handle(TRequest request, CancellationToken cancellationToken, RequestHandlerDelegate<TResponse> next) =>
        faults.TranslateAsync(() => next(), cancellationToken);
}
