using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;

namespace Secrets.Client;

/// <summary>The client among an application's services.</summary>
public static class DependencyInjection
{
    /// <summary>
    /// Registers <see cref="ISecretsClient"/> with its credential and its retries. The builder takes further handlers, a proxy and so on.
    /// </summary>
    /// <exception cref="OptionsValidationException">When the client is first asked for, or at the host's start: an option is wrong.</exception>
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
                // The service never redirects. Whoever does would get the credential, and perhaps a secret.
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
