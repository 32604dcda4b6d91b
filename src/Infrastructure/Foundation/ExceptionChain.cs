namespace Secrets.Infrastructure.Foundation;

/// <summary>Finds the cause of an exception: an inner exception, or a cancellation by the caller.</summary>
internal static class ExceptionChain
{
    /// <summary>The first exception of type <typeparamref name="T"/>, the outermost included; null if the chain has none.</summary>
    public static T? Find<T>(this Exception? exception)
        where T : Exception => exception.Find<T>(_ => true);

    /// <summary>The first such exception that meets a condition.</summary>
    public static T? Find<T>(this Exception? exception, Func<T, bool> condition)
        where T : Exception
    {
        while (exception is not null && !(exception is T found && condition(found)))
        {
            exception = exception.InnerException;
        }

        return (T?)exception;
    }

    /// <summary>Whether the caller cancelled the work. Drivers also cancel by themselves, for example a read whose connection ended.</summary>
    public static bool IsCancelledBy(this Exception exception, CancellationToken cancellationToken) =>
        exception is OperationCanceledException && cancellationToken.IsCancellationRequested;
}
