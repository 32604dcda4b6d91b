using System.Collections.Frozen;

namespace Secrets.Api.Telemetry;

/// <summary>
/// The attributes that leave the process. All others are removed, because a library may add one with text of a caller in any release: a path, a query, a
/// statement or a message of an exception. Values of allowed attributes come from the service or from a closed set.
/// </summary>
internal static class AllowedAttributes
{
    /// <summary>Attributes of metrics and spans.</summary>
    public static readonly FrozenSet<string> OfMetricsAndSpans = new[]
    {
        "aspnetcore.diagnostics.exception.result",
        "cpu.mode", "db.client.connection.state", "db.operation.name", "db.response.status_code", "db.system", "db.system.name", "disk.io.direction",
        "dotnet.gc.heap.generation", "error.type", "gc.heap.generation", "http.connection.state", "http.request.method", "http.response.status_code", "http.route",
        "kestrel.connection.error_type", "network.protocol.name", "network.protocol.version", "network.transport", "network.type", "otel.status_code",
        "secrets.audit.result", "secrets.batch", "secrets.cache", "secrets.cache.result", "secrets.check", "secrets.integrity.subject", "secrets.key_layer",
        "secrets.missing.reason", "secrets.outcome", "secrets.quota", "secrets.refusal.reason", "tls.protocol.version", "url.scheme",
    }.ToFrozenSet(StringComparer.Ordinal);

    /// <summary>Attributes of log lines: the names and ids in the service's own messages. Stacks and reasons that quote an exception are not among them.</summary>
    public static readonly FrozenSet<string> OfLogs = new[]
    {
        "Code", "Count", "Database", "ExitCode", "Failure", "Fingerprint", "Header", "KeyId", "Layer", "Major", "Method", "Milliseconds", "Owner", "Pid", "Prefix",
        "Previous", "Request", "RequestId", "Route", "SecretId", "Seconds", "Sequence", "Server", "Status", "Stored", "Types", "UserId", "Version", "Writer", "Writers",
    }.ToFrozenSet(StringComparer.Ordinal);

    /// <summary>The same as <see cref="OfMetricsAndSpans"/>, as metrics need it.</summary>
    public static string[] OfMetrics => [.. OfMetricsAndSpans];
}
