using Secrets.Application.Audit;

namespace Secrets.Infrastructure.Integrity;

internal static class IntegrityRegistration
{
    public static IServiceCollection AddIntegrity(this IServiceCollection services) => services
        .AddSingleton<OwnerSeals>()
        .AddSingleton<ApiKeySeals>()
        .AddSingleton(typeof(VersionFloors<>))
        .AddSingleton<AccountCache>()
        .AddSingleton<FailClosedReads>()
        .AddSingleton<OwnerReader>()
        .AddSingleton<ApiKeyReader>()
        .AddSingleton<IntegrityAlarms>()
        .AddSingleton<IIntegrityReport>(provider => provider.GetRequiredService<IntegrityAlarms>())
        .AddSingleton(provider => new Lazy<IAuditLog>(provider.GetRequiredService<IAuditLog>));
}
