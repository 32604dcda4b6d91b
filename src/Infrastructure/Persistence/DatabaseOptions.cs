namespace Secrets.Infrastructure.Persistence;

/// <summary>The section <c>Database</c>, besides which one it is.</summary>
internal sealed class DatabaseOptions
{
    public const string Section = "Database";

    /// <summary>
    /// Starts also where a crash of the database's server may take what it has acknowledged: a value can then have been handed out without a row of
    /// the audit. For tests, and for servers that keep what is committed by other means than their own disk. Null: everywhere but in Production.
    /// </summary>
    public bool? MayLoseAcknowledgedData { get; set; }
}
