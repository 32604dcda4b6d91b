using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Options;
using Secrets.Api.Limits;

namespace Secrets.Api.Http;

/// <summary>Where the service listens, and how large and how slow a request may be.</summary>
internal static class RequestLimits
{
    private const string DefaultUrl = "http://127.0.0.1:5080";

    /// <summary>Bytes of the largest body: the longest members, every character escaped, with room to spare.</summary>
    private const long MaxBodySize = 1024 * 1024;

    /// <summary>All headers together, in bytes: three credentials of the largest kind, with room to spare.</summary>
    private const int MaxHeadersSize = 32 * 1024;

    private const int MaxHeaders = 100;

    /// <summary>Who takes longer to send the headers is cut off; so is who sends a body slower than a modem.</summary>
    private static readonly TimeSpan HeadersTime = TimeSpan.FromSeconds(10);

    private static readonly MinDataRate SlowestBody = new(bytesPerSecond: 240, gracePeriod: TimeSpan.FromSeconds(5));

    public static void Apply(KestrelServerOptions kestrel)
    {
        kestrel.AddServerHeader = false;
        kestrel.Limits.MaxRequestBodySize = MaxBodySize;
        kestrel.Limits.MaxRequestHeadersTotalSize = MaxHeadersSize;
        kestrel.Limits.MaxRequestHeaderCount = MaxHeaders;
        kestrel.Limits.RequestHeadersTimeout = HeadersTime;
        kestrel.Limits.MinRequestBodyDataRate = SlowestBody;
        var connections = kestrel.ApplicationServices.GetRequiredService<IOptions<LimitOptions>>().Value.Connections;
        kestrel.Limits.MaxConcurrentConnections = connections > 0 ? connections : null;
    }

    /// <summary>Listens on loopback where the configuration does not say otherwise.</summary>
    public static IWebHostBuilder UseLoopbackByDefault(this IWebHostBuilder host, IConfiguration configuration) =>
        string.IsNullOrEmpty(configuration[WebHostDefaults.ServerUrlsKey]) && !configuration.GetSection("Kestrel:Endpoints").Exists()
            ? host.UseUrls(DefaultUrl)
            : host;
}
