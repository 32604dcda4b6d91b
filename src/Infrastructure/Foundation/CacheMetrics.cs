using System.Collections.Concurrent;
using System.Diagnostics.Metrics;

namespace Secrets.Infrastructure.Foundation;

/// <summary>
/// Counts hits and misses of a kind of cache in this process. The counts are read when metrics are exported: a measurement for each look-up would cost every resolve
/// several times as much.
/// </summary>
internal sealed class CacheMetrics
{
    private static readonly ConcurrentQueue<CacheMetrics> All = new();

    private readonly KeyValuePair<string, object?> _cache;
    private long _hits;
    private long _misses;

    static CacheMetrics() => Instruments.Meter.CreateObservableCounter("secrets.cache.requests", Read, "{request}", "Look-ups in a cache");

    public CacheMetrics(string cache)
    {
        _cache = new("secrets.cache", cache);
        All.Enqueue(this);
    }

    /// <summary>Counts a look-up.</summary>
    /// <param name="isHit">Whether the entry was found and is not expired.</param>
    public void Count(bool isHit) => Interlocked.Increment(ref isHit ? ref _hits : ref _misses);

    private static IEnumerable<Measurement<long>> Read() => All.SelectMany(cache => (Measurement<long>[])
    [
        new(Interlocked.Read(ref cache._hits), cache._cache, new("secrets.cache.result", "hit")),
        new(Interlocked.Read(ref cache._misses), cache._cache, new("secrets.cache.result", "miss")),
    ]);
}
