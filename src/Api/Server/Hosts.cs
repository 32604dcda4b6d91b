using Microsoft.AspNetCore.HostFiltering;

namespace Secrets.Api.Server;

/// <summary>Which names the service answers to.</summary>
internal static class Hosts
{
    private const string FrameworksOwn = "HostFilteringStartupFilter";

    /// <summary>
    /// Takes the framework's filter from where it stands, which is before everything that gives a refusal its headers and the form of its
    /// dialect. The pipeline has it in its own place.
    /// </summary>
    public static void AddHosts(this IServiceCollection services)
    {
        services.Remove(services.Single(service => string.Equals(service.ImplementationType?.Name, FrameworksOwn, StringComparison.Ordinal)));
        services.Configure<HostFilteringOptions>(hosts => hosts.IncludeFailureMessage = false);
    }
}
