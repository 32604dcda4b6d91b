using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace Secrets.Infrastructure.GroupCommit;

/// <summary>Measures the lag of the audit: how long a request waits until its rows are durable.</summary>
internal static class AppendMetrics
{
    private static readonly Histogram<double> Duration = Instruments.Meter.CreateHistogram(
        "secrets.audit.append.duration", "s", "Time until the audit rows of a request are durable", tags: null, advice: Instruments.Durations);

    /// <summary>The moment to pass to <see cref="Done"/>; 0: nobody listens.</summary>
    public static long Start() => Duration.Enabled ? Stopwatch.GetTimestamp() : 0;

    /// <summary>Notes an append.</summary>
    public static void Done(long start)
    {
        if (start != 0)
        {
            Duration.Record(Stopwatch.GetElapsedTime(start).TotalSeconds);
        }
    }
}
