using System.Net;
using Secrets.Application.Common;

namespace Secrets.Api.Http;

internal static class RequestOrigins
{
    /// <summary>Where a request came from: the connection's other end, or where a known proxy there says (<see cref="Proxies"/>).</summary>
    public static RequestOrigin Origin(this HttpContext context) => new(TextOf(context.Connection.RemoteIpAddress), context.TraceIdentifier);

    // An IPv4 address reads the same whichever kind of socket it came in by.
    private static string? TextOf(IPAddress? address) => address is { IsIPv4MappedToIPv6: true } ? address.MapToIPv4().ToString() : address?.ToString();
}
