using System.Diagnostics.Metrics;

namespace Secrets.Infrastructure.Foundation;

/// <summary>Counts hits and misses of caches.</summary>
internal static class CacheMetrics
{
    private static readonly Counter<long> Requests =
        Instruments.Meter.CreateCounter<long>("secrets.cache.requests", "{request}", "Look-ups in a cache");

    /// <summary>Counts a look-up.</summary>
    /// <param name="cache">The name of the cache.</param>
    /// <param name="isHit">Whether the entry was found and is not expired.</param>
    public static void Count(string cache, bool isHit)
    {
        if (Requests.Enabled)
        {
            Requests.Add(
                1,
                new KeyValuePair<string, object?>("secrets.cache", cache),
                new KeyValuePair<string, object?>("secrets.cache.result", isHit ? "hit" : "miss"));
        }
    }
}
