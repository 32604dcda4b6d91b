using Microsoft.AspNetCore.HostFiltering;

namespace Secrets.Api.Server;

/// <summary>The filter of host names.</summary>
internal static class Hosts
{
    private const string FrameworksOwn = "HostFilteringStartupFilter";

    /// <summary>
    /// Removes the framework's filter from the start of the pipeline, where refusals would lack our headers and the form of their
    /// dialect. <see cref="Pipeline"/> adds it at a later place.
    /// </summary>
    public static void AddHosts(this IServiceCollection services)
    {
        services.Remove(services.Single(service => string.Equals(service.ImplementationType?.Name, FrameworksOwn, StringComparison.Ordinal)));
        services.Configure<HostFilteringOptions>(hosts => hosts.IncludeFailureMessage = false);
    }
}
