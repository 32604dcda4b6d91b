using System.Diagnostics.Metrics;
using Secrets.Application.Common;

namespace Secrets.Application.Secrets;

/// <summary>Counts writes that a quota refused.</summary>
internal static class QuotaMetrics
{
    private static readonly Counter<long> Refused =
        Instruments.Meter.CreateCounter<long>("secrets.quota.refusals", "{refusal}", "Writes refused because of a quota");

    public static void RefusedBytes() => Refused.Add(1, new KeyValuePair<string, object?>("secrets.quota", "bytes"));

    public static void RefusedSecrets() => Refused.Add(1, new KeyValuePair<string, object?>("secrets.quota", "secrets"));
}
