namespace Secrets.Api.Json;

/// <summary>What an answer is made of and must not outlive it.</summary>
internal static class Owning
{
    /// <summary>Has it disposed when the answer is written, or given up.</summary>
    public static T Own<T>(this HttpResponse response, T content)
        where T : IDisposable
    {
        response.RegisterForDispose(content);
        return content;
    }
}
