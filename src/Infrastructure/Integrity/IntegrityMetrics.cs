using System.Collections;
using System.Diagnostics.Metrics;
using Secrets.Infrastructure.Foundation;

namespace Secrets.Infrastructure.Integrity;

/// <summary>Counts rows that do not verify.</summary>
internal static class IntegrityMetrics
{
    private static readonly string[] Subjects = ["owner", "api_key", "user_keys", "audit"];

    private static readonly long[] Counts = new long[Subjects.Length];

    private static readonly WatchedGauge Owners =
        new("secrets.integrity.owners", "{owner}", "Owners whose rows did not verify when they were last read");

    // Observable, so that each count is exported as 0 from the start. An alert on the increase of a count would miss the first failure otherwise.
    static IntegrityMetrics() => Instruments.Meter.CreateObservableCounter(
        "secrets.integrity.failures", Read, "{failure}", "Reported rows that were changed outside the service");

    /// <summary>Counts rows of an owner.</summary>
    public static void CountOwner() => Interlocked.Increment(ref Counts[0]);

    /// <summary>Counts an API key.</summary>
    public static void CountKey() => Interlocked.Increment(ref Counts[1]);

    /// <summary>Counts the account of a user's API keys.</summary>
    public static void CountUserKeys() => Interlocked.Increment(ref Counts[2]);

    /// <summary>Counts a fault of the audit.</summary>
    public static void CountAudit() => Interlocked.Increment(ref Counts[3]);

    /// <summary>Watches the number of owners with an alarm. Returns the same collection.</summary>
    public static T WatchOwners<T>(T alarms)
        where T : class, ICollection
    {
        Owners.Watch(alarms, "owners", () => alarms.Count);
        return alarms;
    }

    private static IEnumerable<Measurement<long>> Read() => Subjects.Select((subject, at) =>
        new Measurement<long>(Volatile.Read(ref Counts[at]), new KeyValuePair<string, object?>("secrets.integrity.subject", subject)));
}
