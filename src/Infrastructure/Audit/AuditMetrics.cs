using System.Diagnostics;
using System.Diagnostics.Metrics;
using Secrets.Application.Audit;

namespace Secrets.Infrastructure.Audit;

/// <summary>Measures the proofs of the audit: verifications by result, and the age of the checkpoint.</summary>
internal static class AuditMetrics
{
    private static readonly Histogram<double> Duration = Instruments.Meter.CreateHistogram(
        "secrets.audit.verification.duration",
        "s",
        "Duration of verifications of the whole audit",
        tags: null,
        advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.1, 0.5, 1, 5, 10, 60, 300, 900, 3_600] });

    private static long _keptAt;
    private static long _intact;
    private static long _broken;

    static AuditMetrics()
    {
        Instruments.Meter.CreateObservableGauge(
            "secrets.audit.checkpoint.age", ReadAge, "s", "Time since this process last compared the audit with its checkpoint and found no fault");

        // Observable, so that both results are exported as 0. An alert on the increase of a count would miss the first failure otherwise.
        Instruments.Meter.CreateObservableCounter("secrets.audit.verifications", ReadResults, "{verification}", "Verifications of the whole audit");
    }

    /// <summary>Notes a verification.</summary>
    /// <param name="start">The timestamp of its start.</param>
    /// <param name="verdict">Its result.</param>
    public static void Verified(long start, AuditVerdict verdict)
    {
        Interlocked.Increment(ref verdict.IsIntact ? ref _intact : ref _broken);
        Duration.Record(Stopwatch.GetElapsedTime(start).TotalSeconds);
    }

    /// <summary>Notes a checkpoint.</summary>
    public static void Kept() => Volatile.Write(ref _keptAt, Stopwatch.GetTimestamp());

    private static IEnumerable<Measurement<long>> ReadResults() =>
    [
        new(Volatile.Read(ref _intact), new KeyValuePair<string, object?>("secrets.audit.result", "intact")),
        new(Volatile.Read(ref _broken), new KeyValuePair<string, object?>("secrets.audit.result", "broken")),
    ];

    private static IEnumerable<Measurement<double>> ReadAge() =>
        Volatile.Read(ref _keptAt) is var at && at == 0 ? [] : [new Measurement<double>(Stopwatch.GetElapsedTime(at).TotalSeconds)];
}
