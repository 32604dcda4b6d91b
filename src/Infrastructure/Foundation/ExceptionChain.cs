namespace Secrets.Infrastructure.Foundation;

/// <summary>Searches an exception and its inner exceptions.</summary>
internal static class ExceptionChain
{
    /// <summary>The first exception of type <typeparamref name="T"/>, the outermost included; null if the chain has none.</summary>
    public static T? Find<T>(this Exception? exception)
        where T : Exception
    {
        while (exception is not null and not T)
        {
            exception = exception.InnerException;
        }

        return (T?)exception;
    }
}
