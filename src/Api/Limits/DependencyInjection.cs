using Microsoft.AspNetCore.Http.Timeouts;
using Microsoft.AspNetCore.RateLimiting;
using Secrets.Api.Authentication;
using Secrets.Infrastructure.Foundation;

namespace Secrets.Api.Limits;

/// <summary>Registers the limits of requests, connections and time.</summary>
internal static class DependencyInjection
{
    public static void AddLimits(this IServiceCollection services)
    {
        services.AddSettings<LimitOptions>(LimitOptions.Section)
            .Validate(
                limits => limits.IsValid(),
                "Limits:RequestsPerMinute, Limits:ResolvesPerMinute, Limits:FailedAuthenticationsPerMinute, Limits:FailuresPerCredentialPerMinute, "
                + "Limits:AnonymousPerMinute, Limits:ListsPerUser, Limits:Connections and Limits:ConnectionsPerAddress must be "
                + $"from 0 (no limit) to {LimitOptions.MaxRate}, Limits:RequestSeconds and Limits:AnswerSeconds from 1 to {LimitOptions.MaxSeconds}.");
        services.AddSingleton<ICredentialLimit, CredentialLimit>();
        services.AddRateLimiter(_ => { });
        services.AddSingleton<AnonymousLimit>();
        services.AddSingleton<ListLimit>();
        services.AddSingleton<CallerLimit>();
        services.AddSingleton<IConfigureOptions<RateLimiterOptions>>(provider => provider.GetRequiredService<CallerLimit>());
        services.AddRequestTimeouts();
        services.AddSingleton<IConfigureOptions<RequestTimeoutOptions>, RequestTime>();
        services.Configure<MvcOptions>(mvc => mvc.Filters.Add(new FinishedRequests()));
    }
}
