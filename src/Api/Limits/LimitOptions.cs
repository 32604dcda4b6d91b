namespace Secrets.Api.Limits;

/// <summary>Limits of requests, connections and time. A rate of 0 means no limit.</summary>
internal sealed class LimitOptions
{
    public const string Section = "Limits";
    public const int MaxRate = 10_000_000;
    public const int MaxSeconds = 3_600;

    // It takes several addresses to use all connections.
    private const int ShareOfAddress = 4;

    /// <summary>Requests of one user except resolves. All credentials of the user share the limit: otherwise another credential would evade it.</summary>
    public int RequestsPerMinute { get; set; } = 60_000;

    /// <summary>Resolves of one user, which is a runtime.</summary>
    public int ResolvesPerMinute { get; set; }

    /// <summary>Refusals of invented credentials from one address: credentials that neither the service nor an issuer made.</summary>
    public int FailedAuthenticationsPerMinute { get; set; } = 600;

    /// <summary>Refusals of one credential from one address.</summary>
    public int FailuresPerCredentialPerMinute { get; set; } = 60;

    /// <summary>Requests of one address to anonymous endpoints except health.</summary>
    public int AnonymousPerMinute { get; set; } = 600;

    /// <summary>Concurrent lists of one user.</summary>
    public int ListsPerUser { get; set; } = 4;

    /// <summary>Timeout of a request.</summary>
    public int RequestSeconds { get; set; } = 30;

    /// <summary>Timeout for a client to read a list. After it the connection is closed.</summary>
    public int AnswerSeconds { get; set; } = 60;

    /// <summary>Concurrent connections. Further ones are closed.</summary>
    public int Connections { get; set; } = 10_000;

    /// <summary>Concurrent connections of one address; null: a quarter of <see cref="Connections"/>.</summary>
    public int? ConnectionsPerAddress { get; set; }

    /// <summary>Effective limit of concurrent connections of one address; 0: no limit.</summary>
    public int MaxConnectionsOfAddress => ConnectionsPerAddress ?? ShareOf(Connections);

    /// <summary>The default share of one address.</summary>
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
