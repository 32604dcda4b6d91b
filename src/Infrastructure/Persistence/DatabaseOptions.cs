namespace Secrets.Infrastructure.Persistence;

/// <summary>The section <c>Database</c>, without <c>Provider</c>.</summary>
internal sealed class DatabaseOptions
{
    public const string Section = "Database";

    /// <summary>
    /// Whether the service starts on a database server that may lose committed data in a crash. A value may then have been released without an audit row.
    /// For tests, and for servers that make commits durable by other means than their own disk. Default: true except in Production.
    /// </summary>
    public bool? MayLoseAcknowledgedData { get; set; }
}
