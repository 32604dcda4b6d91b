using Secrets.Application.Audit;
using Secrets.Infrastructure.Foundation;
using Secrets.Infrastructure.Persistence;

namespace Secrets.Infrastructure.Audit;

internal static class AuditRegistration
{
    public static IServiceCollection AddAudit(this IServiceCollection services)
    {
        services.AddSettings<AuditOptions>(AuditOptions.Section)
            .Validate(
                audit => audit.RetentionDays is null or (>= 1 and <= AuditOptions.MaxRetentionDays),
                $"Audit:RetentionDays must be from 1 to {AuditOptions.MaxRetentionDays} days. Remove the setting to keep all rows.")
            .Validate(
                audit => audit.CheckpointSeconds is >= 1 and <= AuditOptions.MaxCheckpointSeconds,
                $"Audit:CheckpointSeconds must be from 1 to {AuditOptions.MaxCheckpointSeconds} seconds.")
            .Validate(
                audit => audit.DenialsPerMinute is >= 0 and <= AuditOptions.MaxDenials,
                $"Audit:DenialsPerMinute must be from 0 (no limit) to {AuditOptions.MaxDenials} rows.");
        return services
            .AddSingleton<AuditKey>()
            .AddScoped<AuditKeyLoader>()
            .AddSingleton<AuditWriters>()
            .AddSingleton<IAuditCommit>(provider => provider.GetRequiredService<AuditWriters>())
            .AddSingleton<AuditRowVerifier>()
            .AddScoped<IAuditVerifier, AuditVerifier>()
            .AddSingleton<AuditCheckpoints>()
            .AddSingleton<CheckpointFile>()
            .AddSingleton<CheckpointKeeper>()
            .AddSingleton<DenialLog>()
            .AddSingleton<IDenialLog>(provider => provider.GetRequiredService<DenialLog>());
    }
}
