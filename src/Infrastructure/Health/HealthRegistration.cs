using Microsoft.Extensions.DependencyInjection;
using Secrets.Infrastructure.Audit;

namespace Secrets.Infrastructure.Health;

internal static class HealthRegistration
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(5);

    public static IServiceCollection AddReadinessChecks(this IServiceCollection services) => services
        .AddSingleton<DatabaseWriteCheck>()
        .AddSingleton<AuditWriteCheck>()
        .AddHealthChecks()
        .AddCheck<DatabaseWriteCheck>("database", timeout: Timeout)
        .AddCheck<AuditWriteCheck>("audit", timeout: Timeout)
        .AddCheck<CheckpointKeeper>("checkpoint")
        .Services;
}
