using System.Diagnostics;
using System.Diagnostics.Metrics;
using Secrets.Application.Common;
using Secrets.Domain.Resolution;

namespace Secrets.Application.Resolution;

/// <summary>Measures resolves that were authorised and valid: duration by outcome, and missing arguments by reason.</summary>
internal static class ResolveMetrics
{
    private static readonly Histogram<double> Duration = Instruments.Meter.CreateHistogram(
        "secrets.resolve.duration", "s", "Duration of resolves, with the wait for the audit", tags: null, advice: Instruments.Durations);

    private static readonly Counter<long> Missing = Instruments.Meter.CreateCounter<long>(
        "secrets.resolve.missing_arguments", "{argument}", "Requested arguments without a value");

    /// <summary>The moment to pass to the other methods; 0: nobody listens.</summary>
    public static long Start() => Duration.Enabled ? Stopwatch.GetTimestamp() : 0;

    /// <summary>Notes an answer.</summary>
    public static void Answered(long start, ResolvedSecrets answer)
    {
        if (start == 0)
        {
            return;
        }

        Record(start, (answer.Values.Count, answer.Missing.Count) switch
        {
            (_, 0) => "filled",
            (0, _) => "missing",
            _ => "partial",
        });
        foreach (var selection in answer.Missing)
        {
            Missing.Add(1, new KeyValuePair<string, object?>(
                "secrets.missing.reason", selection.Source == SelectionSource.Reference ? "reference_unavailable" : "no_default"));
        }
    }

    /// <summary>Notes a resolve that threw.</summary>
    public static void Failed(long start, Exception exception)
    {
        if (start != 0)
        {
            Record(start, exception switch
            {
                UnavailableException => "unavailable",
                TamperedOwnerException or BrokenSealException => "integrity",
                FailureException => "refused",
                OperationCanceledException => "cancelled",
                _ => "error",
            });
        }
    }

    private static void Record(long start, string outcome) =>
        Duration.Record(Stopwatch.GetElapsedTime(start).TotalSeconds, new KeyValuePair<string, object?>("secrets.outcome", outcome));
}
