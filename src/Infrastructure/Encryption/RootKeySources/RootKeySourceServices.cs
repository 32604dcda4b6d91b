using Azure.Core;
using Azure.Identity;
using Secrets.Infrastructure.Foundation;

namespace Secrets.Infrastructure.Encryption.RootKeySources;

internal static class RootKeySourceServices
{
    public static IServiceCollection AddRootKeySources(this IServiceCollection services)
    {
        services.AddSettings<EncryptionOptions>(EncryptionOptions.Section);
        return services
            .AddSingleton<IValidateOptions<EncryptionOptions>, RootKeyRules>()
            .AddSingleton(_ => new Lazy<TokenCredential>(() => new DefaultAzureCredential()))
            .AddSingleton<ConfiguredRootKeys>();
    }
}
