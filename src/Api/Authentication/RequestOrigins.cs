using System.Buffers;
using System.Net;

namespace Secrets.Api.Authentication;

internal static class RequestOrigins
{
    /// <summary>The header of a request's id, in requests and in answers.</summary>
    public const string RequestId = "X-Request-Id";

    private const int MaxIdLength = 64;

    private static readonly SearchValues<char> Plain = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:-");

    /// <summary>The origin of a request: the client's address, as a known proxy reports it (<c>Proxies</c>) or as connected.</summary>
    public static RequestOrigin Origin(this HttpContext context) =>
        new(TextOf(context.Connection.RemoteIpAddress), context.TraceIdentifier, context.ClientRequestId());

    /// <summary>The caller's own id of the request; null: none, or one with characters that answers must not repeat.</summary>
    public static string? ClientRequestId(this HttpContext context) =>
        context.Request.Headers[RequestId] is [{ Length: > 0 and <= MaxIdLength } id] && !id.AsSpan().ContainsAnyExcept(Plain) ? id : null;

    // An IPv4 address looks the same on IPv4 and dual-stack sockets.
    private static string? TextOf(IPAddress? address) => address is { IsIPv4MappedToIPv6: true } ? address.MapToIPv4().ToString() : address?.ToString();
}
