namespace Secrets.Api.Json;

/// <summary>Ties the lifetime of objects to the answer.</summary>
internal static class AnswerLifetime
{
    /// <summary>Disposes the object when the answer is complete or aborted.</summary>
    public static T DisposeAfter<T>(this HttpResponse response, T content)
        where T : IDisposable
    {
        response.RegisterForDispose(content);
        return content;
    }
}
