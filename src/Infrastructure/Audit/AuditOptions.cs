namespace Secrets.Infrastructure.Audit;

/// <summary>Retention, checkpoints, and the limit of rows for refused requests.</summary>
internal sealed class AuditOptions
{
    public const string Section = "Audit";
    public const int MaxRetentionDays = 36_500;
    public const int MaxCheckpointSeconds = 86_400;
    public const int MaxDenials = 1_000_000;

    /// <summary>Days after which rows are removed. Null: rows are kept forever.</summary>
    public int? RetentionDays { get; set; }

    /// <summary>The checkpoint file of this process. Each replica needs its own. Null: beside an embedded database, otherwise none.</summary>
    public string? CheckpointFile { get; set; }

    public int CheckpointSeconds { get; set; } = 60;

    /// <summary>Denials per caller and minute that get an audit row of their own. 0: no limit.</summary>
    public int DenialsPerMinute { get; set; } = 120;
}
