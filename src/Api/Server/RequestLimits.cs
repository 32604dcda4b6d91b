using Microsoft.AspNetCore.Server.Kestrel.Core;
using Secrets.Api.Health;
using Secrets.Infrastructure.Foundation;

namespace Secrets.Api.Server;

/// <summary>The listeners, and the limits of Kestrel.</summary>
internal static class RequestLimits
{
    private const string DefaultUrl = "http://127.0.0.1:5080";
    private const string Endpoints = "Kestrel:Endpoints";

    /// <summary>The largest body in bytes: the longest members with every character escaped, and some reserve.</summary>
    private const long MaxBodySize = 1024 * 1024;

    /// <summary>The largest total of headers in bytes: three of the longest credentials, and some reserve.</summary>
    private const int MaxHeadersSize = 32 * 1024;

    private const int MaxHeaders = 100;

    /// <summary>Timeout for the headers of a request.</summary>
    private static readonly TimeSpan HeadersTime = TimeSpan.FromSeconds(10);

    /// <summary>Keep-alive timeout: longer than the usual minute of clients and proxies, so that they close first.</summary>
    private static readonly TimeSpan IdleTime = TimeSpan.FromSeconds(75);

    private static readonly MinDataRate SlowestBody = new(bytesPerSecond: 240, gracePeriod: TimeSpan.FromSeconds(5));

    /// <summary>The slowest client that may read an answer.</summary>
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
        kestrel.ConfigureEndpointDefaults(listener => listener
            .Use(next => connection => connections.ServeAsync(connection, next))
            .Use(next => connection => ClearingReader.ServeAsync(connection, next)));
    }

    /// <summary>Listens on loopback by default, and on the health listener if configured.</summary>
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

    /// <summary>Requires that the health listener has a port of its own: requests are distinguished by port.</summary>
    /// <exception cref="StartupException">The ports are the same.</exception>
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
            throw new StartupException($"{HealthOptions.UrlSetting} has the port {port}, which the service itself uses. Choose another port.");
        }
    }

    /// <summary>Null: the address is invalid, which Kestrel reports.</summary>
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
