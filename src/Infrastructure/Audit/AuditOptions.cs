namespace Secrets.Infrastructure.Audit;

/// <summary>How long the audit is kept, where its checkpoints are, and how many refusals it takes.</summary>
internal sealed class AuditOptions
{
    public const string Section = "Audit";
    public const int MaxRetentionDays = 36_500;

    public const int MaxCheckpointSeconds = 86_400;

    public const int MaxDenials = 1_000_000;

    /// <summary>Days after which rows are removed; null: never.</summary>
    public int? RetentionDays { get; set; }

    /// <summary>The file that this process keeps its checkpoint in; null: beside the embedded database, or else none. Each replica has its own.</summary>
    public string? CheckpointFile { get; set; }

    /// <summary>Seconds from one checkpoint to the next.</summary>
    public int CheckpointSeconds { get; set; } = 60;

    /// <summary>Refusals of one caller that have a row each minute; 0: all.</summary>
    public int DenialsPerMinute { get; set; } = 120;
}
