using System.Buffers;
using System.Net;
using Secrets.Application.Common;

namespace Secrets.Api.Authentication;

internal static class RequestOrigins
{
    /// <summary>The header of a request's id, in requests and in answers.</summary>
    public const string RequestId = "X-Request-Id";

    private const int MaxIdLength = 64;

    private static readonly SearchValues<char> Plain = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:-");

    /// <summary>Where a request came from: the connection's other end, or where a known proxy there says (<c>Proxies</c>).</summary>
    public static RequestOrigin Origin(this HttpContext context) =>
        new(TextOf(context.Connection.RemoteIpAddress), context.TraceIdentifier, context.ClientRequestId());

    /// <summary>The id that the caller gave to a request; null: none, or one that is not repeated in an answer.</summary>
    public static string? ClientRequestId(this HttpContext context) =>
        context.Request.Headers[RequestId] is [{ Length: > 0 and <= MaxIdLength } id] && !id.AsSpan().ContainsAnyExcept(Plain) ? id : null;

    // An IPv4 address reads the same whichever kind of socket it came in by.
    private static string? TextOf(IPAddress? address) => address is { IsIPv4MappedToIPv6: true } ? address.MapToIPv4().ToString() : address?.ToString();
}
