using System.Diagnostics.Metrics;
using Secrets.Infrastructure.Foundation;

namespace Secrets.Infrastructure.Batching;

/// <summary>Measures batches: their size, and the requests that wait for one.</summary>
internal static class BatchMetrics
{
    private const string Attribute = "secrets.batch";

    private static readonly Histogram<int> Size = Instruments.Meter.CreateHistogram(
        "secrets.batch.size",
        "{request}",
        "Requests in a batch",
        tags: null,
        advice: new InstrumentAdvice<int> { HistogramBucketBoundaries = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000] });

    private static readonly WatchedGauge Queue = new("secrets.batch.queue_length", "{request}", "Requests that wait for a batch", Attribute);

    /// <summary>Watches the queue of a batcher.</summary>
    public static void Watch(object batcher, string name, Func<long> queueLength) => Queue.Watch(batcher, name, queueLength);

    /// <summary>Notes a batch.</summary>
    public static void Record(string name, int size) => Size.Record(size, new KeyValuePair<string, object?>(Attribute, name));
}
