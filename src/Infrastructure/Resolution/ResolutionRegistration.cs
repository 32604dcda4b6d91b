using Secrets.Application.Resolution;
using Secrets.Infrastructure.Foundation;

namespace Secrets.Infrastructure.Resolution;

internal static class ResolutionRegistration
{
    public static IServiceCollection AddResolution(this IServiceCollection services)
    {
        services.AddSettings<ResolutionOptions>(ResolutionOptions.Section)
            .Validate(resolve => resolve.IsValid(), $"Resolve:MemoryMegabytes must be from 0 (no cache) to {ResolutionOptions.MaxMemoryMegabytes} megabytes.");
        return services
            .AddSingleton<IResolutionStore, ResolutionStore>()
            .AddSingleton<OwnerCache>()
            .AddSingleton<UseCounter>();
    }
}
