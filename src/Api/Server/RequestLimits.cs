using Microsoft.AspNetCore.Server.Kestrel.Core;
using Secrets.Api.Health;
using Secrets.Infrastructure.Foundation;

namespace Secrets.Api.Server;

/// <summary>Where the service listens, and how large and how slow a request may be.</summary>
internal static class RequestLimits
{
    private const string DefaultUrl = "http://127.0.0.1:5080";
    private const string Endpoints = "Kestrel:Endpoints";

    /// <summary>Bytes of the largest body: the longest members, every character escaped, with room to spare.</summary>
    private const long MaxBodySize = 1024 * 1024;

    /// <summary>All headers together, in bytes: three credentials of the largest kind, with room to spare.</summary>
    private const int MaxHeadersSize = 32 * 1024;

    private const int MaxHeaders = 100;

    /// <summary>Who takes longer to send the headers is cut off; so is who sends a body slower than a modem.</summary>
    private static readonly TimeSpan HeadersTime = TimeSpan.FromSeconds(10);

    /// <summary>How long a connection may rest between two requests: longer than the pools of usual clients and proxies, which is a minute.</summary>
    private static readonly TimeSpan IdleTime = TimeSpan.FromSeconds(75);

    private static readonly MinDataRate SlowestBody = new(bytesPerSecond: 240, gracePeriod: TimeSpan.FromSeconds(5));

    /// <summary>A client that reads slower than this is cut off, as long as anything is left to read for it.</summary>
    private static readonly MinDataRate SlowestReader = new(bytesPerSecond: 16 * 1024, gracePeriod: TimeSpan.FromSeconds(10));

    public static void Apply(KestrelServerOptions kestrel)
    {
        kestrel.AddServerHeader = false;
        kestrel.Limits.MaxRequestBodySize = MaxBodySize;
        kestrel.Limits.MaxRequestHeadersTotalSize = MaxHeadersSize;
        kestrel.Limits.MaxRequestHeaderCount = MaxHeaders;
        kestrel.Limits.RequestHeadersTimeout = HeadersTime;
        kestrel.Limits.MinRequestBodyDataRate = SlowestBody;
        kestrel.Limits.MinResponseDataRate = SlowestReader;
        kestrel.Limits.KeepAliveTimeout = IdleTime;
        var connections = kestrel.ApplicationServices.GetRequiredService<ConnectionLimit>();
        kestrel.ConfigureEndpointDefaults(listener => listener.Use(next => connection => connections.ServeAsync(connection, next)));
    }

    /// <summary>Listens on loopback where the configuration does not say otherwise, and for health alone where it says so.</summary>
    public static IWebHostBuilder ListenAsConfigured(this IWebHostBuilder host, IConfiguration configuration)
    {
        var health = configuration[HealthOptions.UrlSetting];
        RequireOwnPort(configuration);
        if (configuration.GetSection(Endpoints).Exists())
        {
            if (!string.IsNullOrEmpty(health))
            {
                configuration[$"{Endpoints}:Health:Url"] = health;
            }

            return host;
        }

        var urls = configuration[WebHostDefaults.ServerUrlsKey];
        return host.UseUrls(string.Join(';', ((string?[])[string.IsNullOrEmpty(urls) ? DefaultUrl : urls, health]).Where(url => !string.IsNullOrEmpty(url))));
    }

    /// <summary>Sees that the listener for health shares its port with no other, whatever their addresses: requests are told apart by the port alone.</summary>
    /// <exception cref="StartupException">It does.</exception>
    private static void RequireOwnPort(IConfiguration configuration)
    {
        if (new HealthOptions { Url = configuration[HealthOptions.UrlSetting] }.Port is not { } port)
        {
            return;
        }

        var endpoints = configuration.GetSection(Endpoints);
        var urls = configuration[WebHostDefaults.ServerUrlsKey];
        var others = endpoints.Exists()
            ? endpoints.GetChildren().Select(endpoint => endpoint["Url"] ?? "")
            : (string.IsNullOrEmpty(urls) ? DefaultUrl : urls).Split(';', StringSplitOptions.TrimEntries);
        if (others.Any(url => PortOf(url) == port))
        {
            throw new StartupException($"{HealthOptions.UrlSetting} has the port {port}, where the service itself listens. Give it a port of its own.");
        }
    }

    /// <summary>Null: it cannot be read, which the web server says in its own words.</summary>
    private static int? PortOf(string url)
    {
        try
        {
            return BindingAddress.Parse(url).Port;
        }
        catch (FormatException)
        {
            return null;
        }
    }
}
