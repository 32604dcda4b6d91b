namespace Secrets.Fuzzing.Tests;

/// <summary>Settings of a service without rate limits, which logs only errors.</summary>
internal static class FuzzedService
{
    /// <summary>The signing key of tokens.</summary>
    public static readonly byte[] SigningKey = [.. Enumerable.Range(0, 32).Select(at => (byte)at)];

    public static (string Name, string? Value)[] Settings =>
    [
        ("Limits__RequestsPerMinute", "0"),
        ("Limits__FailedAuthenticationsPerMinute", "0"),
        ("Limits__FailuresPerCredentialPerMinute", "0"),
        ("Limits__AnonymousPerMinute", "0"),
        ("Serilog__MinimumLevel__Override__Secrets.Api", "Error"),
        ("Serilog__MinimumLevel__Override__Secrets.Application", "Error"),
        ("Logging__LogLevel__Secrets.Api", "Error"),
        ("Logging__LogLevel__Secrets.Application", "Error"),
        ("Auth__Jwt__SigningKey", Convert.ToBase64String(SigningKey)),
    ];
}
