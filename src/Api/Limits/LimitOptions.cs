namespace Secrets.Api.Limits;

/// <summary>How much of the service anybody may take. Where a rate is 0, there is no such limit.</summary>
internal sealed class LimitOptions
{
    public const string Section = "Limits";
    public const int MaxRate = 10_000_000;
    public const int MaxSeconds = 3_600;

    // Several have to come together to fill the service.
    private const int ShareOfAddress = 4;

    /// <summary>Requests of one user, resolves left out, all credentials together: one that is used up could be evaded with another.</summary>
    public int RequestsPerMinute { get; set; } = 60_000;

    /// <summary>Resolves with the credentials of one user, which is a runtime.</summary>
    public int ResolvesPerMinute { get; set; }

    /// <summary>Credentials that may be refused to one address, all together that neither the service nor an issuer made.</summary>
    public int FailedAuthenticationsPerMinute { get; set; } = 600;

    /// <summary>How often one credential may be refused to one address.</summary>
    public int FailuresPerCredentialPerMinute { get; set; } = 60;

    /// <summary>Requests of one address for what is served without a credential, health left out.</summary>
    public int AnonymousPerMinute { get; set; } = 600;

    /// <summary>Lists that are answered to one user at the same time.</summary>
    public int ListsPerUser { get; set; } = 4;

    /// <summary>How long a request may take before it is given up.</summary>
    public int RequestSeconds { get; set; } = 30;

    /// <summary>How long a client may take to read a list before the connection is closed.</summary>
    public int AnswerSeconds { get; set; } = 60;

    /// <summary>Connections at the same time; one more is closed.</summary>
    public int Connections { get; set; } = 10_000;

    /// <summary>Those of one address; null: a quarter of them.</summary>
    public int? ConnectionsPerAddress { get; set; }

    /// <summary>Connections of one address at the same time; 0: no limit.</summary>
    public int MaxConnectionsOfAddress => ConnectionsPerAddress ?? ShareOf(Connections);

    /// <summary>How many of so many connections one address has, unless a setting says otherwise.</summary>
    public static int ShareOf(int connections) => (connections + ShareOfAddress - 1) / ShareOfAddress;

    public bool IsValid() =>
        Array.TrueForAll(
            [
                RequestsPerMinute, ResolvesPerMinute, FailedAuthenticationsPerMinute, FailuresPerCredentialPerMinute, AnonymousPerMinute, ListsPerUser, Connections, ConnectionsPerAddress ?? 0,
            ],
            number => number is >= 0 and <= MaxRate)
        && RequestSeconds is > 0 and <= MaxSeconds
        && AnswerSeconds is > 0 and <= MaxSeconds;
}
