namespace Secrets.Infrastructure.Foundation;

/// <summary>What lies beneath an exception.</summary>
internal static class ExceptionChain
{
    /// <summary>The first of that kind, the exception itself included; null when there is none.</summary>
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
