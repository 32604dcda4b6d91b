using Microsoft.Extensions.DependencyInjection;

namespace Secrets.Infrastructure.Integrity.Recovery;

internal static class RecoveryRegistration
{
    public static IServiceCollection AddRecovery(this IServiceCollection services) => services
        .AddScoped<IIntegrityCommands, IntegrityCommands>()
        .AddScoped<IntegrityScan>()
        .AddScoped<RecoveryEvidence>()
        .AddScoped<TamperRecovery>()
        .AddScoped<Quarantine>();
}
