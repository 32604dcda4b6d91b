using System.Diagnostics.Metrics;

namespace Secrets.Api.Authentication;

/// <summary>Counts requests that were not authenticated.</summary>
internal static class CredentialMetrics
{
    private static readonly Counter<long> Refused =
        Instruments.Meter.CreateCounter<long>("secrets.credentials.refused", "{request}", "Requests without an accepted credential");

    /// <summary>Counts a request.</summary>
    /// <param name="kind">Why its credential was refused; null: it had none.</param>
    public static void Count(RefusalKind? kind) => Refused.Add(1, new KeyValuePair<string, object?>("secrets.refusal.reason", kind switch
    {
        null => "none_sent",
        RefusalKind.Unknown => "unknown",
        RefusalKind.Expired => "expired",
        RefusalKind.Revoked => "revoked",
        RefusalKind.Tampered => "tampered",
        RefusalKind.Contradiction => "contradiction",
        _ => "malformed",
    }));
}
