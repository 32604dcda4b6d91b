using Microsoft.AspNetCore.DataProtection.KeyManagement;

namespace Secrets.Infrastructure.Encryption.Ring;

internal static class KeyRingRegistration
{
    public static IServiceCollection AddKeyRing(this IServiceCollection services)
    {
        // ASP.NET Core's authentication loads a Data Protection ring at the start. Without this, it would create a ring in the home directory.
        services.AddOptions<KeyManagementOptions>().Configure<KeyRing>((options, ring) => ring.Configure(options));
        return services
            .AddSingleton<IntegrityKeys>()
            .AddSingleton<IntegrityKeyWrapping>()
            .AddSingleton<KeyStore>()
            .AddSingleton<RingKeys>()
            .AddSingleton<KeyRing>()
            .AddSingleton(provider => new Lazy<KeyRing>(provider.GetRequiredService<KeyRing>));
    }
}
