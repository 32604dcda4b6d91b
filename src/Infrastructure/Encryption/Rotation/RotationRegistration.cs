using Microsoft.Extensions.DependencyInjection;
using Secrets.Application.Encryption;

namespace Secrets.Infrastructure.Encryption.Rotation;

internal static class RotationRegistration
{
    public static IServiceCollection AddKeyRotation(this IServiceCollection services) => services
        .AddScoped<IKeyRotation, KeyRotation>()
        .AddSingleton<KeyRotationSignal>()
        .AddScoped<DataKeyReplacement>()
        .AddScoped<KeyRingReplacement>()
        .AddScoped<AccountsToReseal>()
        .AddScoped<IntegrityKeyReplacement>();
}
