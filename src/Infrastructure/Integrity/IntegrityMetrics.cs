using System.Collections;
using System.Diagnostics.Metrics;
using Secrets.Infrastructure.Foundation;

namespace Secrets.Infrastructure.Integrity;

/// <summary>Counts rows that do not verify.</summary>
internal static class IntegrityMetrics
{
    private static readonly Counter<long> Failures =
        Instruments.Meter.CreateCounter<long>("secrets.integrity.failures", "{failure}", "Reported rows that were changed outside the service");

    private static readonly WatchedGauge Owners =
        new("secrets.integrity.owners", "{owner}", "Owners whose rows did not verify when they were last read");

    /// <summary>Counts a reported fault.</summary>
    /// <param name="subject">What does not verify: owner, api_key, user_keys or audit.</param>
    public static void Count(string subject) => Failures.Add(1, new KeyValuePair<string, object?>("secrets.integrity.subject", subject));

    /// <summary>Watches the number of owners with an alarm. Returns the same collection.</summary>
    public static T WatchOwners<T>(T alarms)
        where T : class, ICollection
    {
        Owners.Watch(alarms, "owners", () => alarms.Count);
        return alarms;
    }
}
