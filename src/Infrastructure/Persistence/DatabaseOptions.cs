namespace Secrets.Infrastructure.Persistence;

/// <summary>The section <c>Database</c>.</summary>
public sealed class DatabaseOptions
{
    public const string Section = "Database";

    /// <summary>The name of <see cref="WaitSeconds"/>.</summary>
    public const string WaitSetting = $"{Section}:{nameof(WaitSeconds)}";

    /// <summary>The largest <see cref="WaitSeconds"/>: a day.</summary>
    public const int MaxWaitSeconds = 86_400;

    /// <summary>See <see cref="IDatabaseEngine"/>, which is chosen before options exist.</summary>
    public string? Provider { get; set; }

    /// <summary>Seconds that a start or a command waits for a database server that does not answer.</summary>
    public int WaitSeconds { get; set; }

    /// <summary>
    /// Whether the service starts on a database server that may lose committed data in a crash. A value may then have been released without an audit row.
    /// For tests, and for servers that make commits durable by other means than their own disk. Default: true except in Production.
    /// </summary>
    public bool? MayLoseAcknowledgedData { get; set; }
}
