using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Secrets.Api.Http;

/// <summary>Where the service listens, and how large a request may be.</summary>
internal static class RequestLimits
{
    private const string DefaultUrl = "http://127.0.0.1:5080";

    /// <summary>Bytes of the largest body: the longest members, every character escaped, with room to spare.</summary>
    private const long MaxBodySize = 1024 * 1024;

    public static void Apply(KestrelServerOptions kestrel)
    {
        kestrel.AddServerHeader = false;
        kestrel.Limits.MaxRequestBodySize = MaxBodySize;
    }

    /// <summary>Listens on loopback where the configuration does not say otherwise.</summary>
    public static IWebHostBuilder UseLoopbackByDefault(this IWebHostBuilder host, IConfiguration configuration) =>
        string.IsNullOrEmpty(configuration[WebHostDefaults.ServerUrlsKey]) ? host.UseUrls(DefaultUrl) : host;
}
