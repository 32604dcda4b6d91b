using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;

namespace Secrets.Client;

/// <summary>Registers the client in a service collection.</summary>
public static class DependencyInjection
{
    /// <summary>Registers <see cref="ISecretsClient"/> with its credential and retries. The builder accepts further handlers or a proxy.</summary>
    /// <exception cref="OptionsValidationException">An option is invalid. Thrown at the start of the host, or at the client's first use.</exception>
    public static IHttpClientBuilder AddSecretsClient(this IServiceCollection services, Action<SecretsClientOptions> configure)
    {
        services.AddOptionsWithValidateOnStart<SecretsClientOptions, SecretsClientOptions.Validator>().Configure(configure);
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddTransient<CredentialHandler>();
        services.TryAddTransient<RetryHandler>();
        return services
            .AddHttpClient<ISecretsClient, SecretsClient>((provider, http) =>
            {
                var address = provider.GetRequiredService<IOptions<SecretsClientOptions>>().Value.BaseAddress!;
                http.BaseAddress = new Uri($"{address.AbsoluteUri.TrimEnd('/')}/");
            })
            .ConfigurePrimaryHttpMessageHandler(() => new SocketsHttpHandler
            {
                // Following a redirect would send the credential, and perhaps a secret, to another server.
                AllowAutoRedirect = false,
                UseCookies = false,
                PooledConnectionLifetime = TimeSpan.FromMinutes(5),
            })
            .SetHandlerLifetime(Timeout.InfiniteTimeSpan)
            .RedactLoggedHeaders(static _ => true)
            .AddHttpMessageHandler<RetryHandler>()
            .AddHttpMessageHandler<CredentialHandler>();
    }
}
