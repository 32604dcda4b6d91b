namespace Secrets.Infrastructure.Audit;

/// <summary>How long the audit is kept.</summary>
internal sealed class AuditOptions
{
    public const string Section = "Audit";
    public const int MaxRetentionDays = 36_500;

    /// <summary>Days after which rows are removed; null: never.</summary>
    public int? RetentionDays { get; set; }
}
