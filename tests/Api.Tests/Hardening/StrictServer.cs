using Secrets.TestKit;

namespace Secrets.Api.Tests.Hardening;

/// <summary>A server with small limits. The test acts as its proxy.</summary>
public sealed class StrictServer : IAsyncLifetime
{
    public const int Requests = 120;
    public const int Resolves = 60;
    public const int Failures = 6;
    public const int FailuresOfOne = 3;
    public const int Anonymous = 12;
    public const string Origin = "https://app.example";

    /// <summary>Longer on SQL Server, because Babelfish takes a second of processor time for the first statements of each connection.</summary>
    public static readonly int Seconds = TestDatabase.IsSqlServer ? 8 : 2;

    public ApiServer Server { get; } = ApiServer.With(
        ("Limits:RequestsPerMinute", $"{Requests}"),
        ("Limits:ResolvesPerMinute", $"{Resolves}"),
        ("Limits:FailedAuthenticationsPerMinute", $"{Failures}"),
        ("Limits:FailuresPerCredentialPerMinute", $"{FailuresOfOne}"),
        ("Limits:AnonymousPerMinute", $"{Anonymous}"),
        ("Limits:ListsPerUser", "0"), // waiting lists would exceed RequestSeconds
        ("Limits:RequestSeconds", $"{Seconds}"),
        ("Proxies:Known", "127.0.0.1, 10.0.0.0/8"),
        ("Cors:Origins", $"{Origin},http://localhost:3000"),
        ("AllowedHosts", "127.0.0.1;localhost"));

    public ValueTask InitializeAsync() => Server.InitializeAsync();

    public ValueTask DisposeAsync() => Server.DisposeAsync();
}

/// <summary>These classes run one after the other, because they share the limits of one server.</summary>
[CollectionDefinition(Name)]
public sealed class StrictCollection : ICollectionFixture<StrictServer>
{
    public const string Name = "strict";
}
