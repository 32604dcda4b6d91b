using System.Diagnostics;
using System.Diagnostics.Metrics;
using Secrets.Application.Audit;

namespace Secrets.Infrastructure.Audit;

/// <summary>Measures the proofs of the audit: verifications by result, and the age of the checkpoint.</summary>
internal static class AuditMetrics
{
    private static readonly Counter<long> Verifications =
        Instruments.Meter.CreateCounter<long>("secrets.audit.verifications", "{verification}", "Verifications of the whole audit");

    private static readonly Histogram<double> Duration = Instruments.Meter.CreateHistogram(
        "secrets.audit.verification.duration",
        "s",
        "Duration of verifications of the whole audit",
        tags: null,
        advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.1, 0.5, 1, 5, 10, 60, 300, 900, 3_600] });

    private static long _keptAt;

    static AuditMetrics() => Instruments.Meter.CreateObservableGauge(
        "secrets.audit.checkpoint.age", ReadAge, "s", "Time since this process last compared the audit with its checkpoint and found no fault");

    /// <summary>Notes a verification.</summary>
    /// <param name="start">The timestamp of its start.</param>
    /// <param name="verdict">Its result.</param>
    public static void Verified(long start, AuditVerdict verdict)
    {
        var isIntact = verdict is { FirstBroken: null, Missing.Count: 0, Owners.Count: 0 };
        Verifications.Add(1, new KeyValuePair<string, object?>("secrets.audit.result", isIntact ? "intact" : "broken"));
        Duration.Record(Stopwatch.GetElapsedTime(start).TotalSeconds);
    }

    /// <summary>Notes a checkpoint.</summary>
    public static void Kept() => Volatile.Write(ref _keptAt, Stopwatch.GetTimestamp());

    private static IEnumerable<Measurement<double>> ReadAge() =>
        Volatile.Read(ref _keptAt) is var at && at == 0 ? [] : [new Measurement<double>(Stopwatch.GetElapsedTime(at).TotalSeconds)];
}
