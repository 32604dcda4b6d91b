using Microsoft.Extensions.Hosting;
using Secrets.Application.ApiKeys;
using Secrets.Infrastructure.Credentials.ApiKeys;
using Secrets.Infrastructure.Credentials.Tokens;
using Secrets.Infrastructure.Foundation;

namespace Secrets.Infrastructure.Credentials;

internal static class CredentialRegistration
{
    public static IServiceCollection AddCredentials(this IServiceCollection services, IHostEnvironment environment)
    {
        services.AddSettings<AuthOptions>(AuthOptions.Section)
            .Validate(
                auth => auth.BootstrapKey is null || AuthOptions.ArrivesInHeader(auth.BootstrapKey),
                $"Auth:BootstrapKey must have {AuthOptions.MinBootstrapKeyLength} to {AuthOptions.MaxBootstrapKeyLength} characters, "
                + "all of them printable ASCII, without a space at either end and without the prefix \"Bearer \". Correct the setting or remove it.")
            .Validate(auth => auth.BootstrapKey is null || !CompactToken.HasForm(auth.BootstrapKey), "Auth:BootstrapKey must not look like a JWT.");
        services.AddSettings<ApiKeyOptions>(ApiKeyOptions.Section)
            .Validate(keys => keys.MaxKeyDays is > 0 and <= 36_500, "Auth:Jwt:MaxKeyDays must be from 1 to 36500.");
        return services
            .AddJwt(environment)
            .AddSingleton<ICredentialAuthenticator, CredentialAuthenticator>()
            .AddSingleton<ApiKeyLookup>()
            .AddSingleton<ApiKeyCache>()
            .AddSingleton<ApiKeyAuthenticator>()
            .AddSingleton<IOperators, Operators>()
            .AddScoped<FirstKey>()
            .AddScoped<IFirstKey>(provider => provider.GetRequiredService<FirstKey>());
    }
}
