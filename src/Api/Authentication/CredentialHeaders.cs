using Microsoft.AspNetCore.Authorization;
using Microsoft.Extensions.Primitives;
using Microsoft.Net.Http.Headers;

namespace Secrets.Api.Authentication;

/// <summary>The headers in which clients send credentials.</summary>
internal static class CredentialHeaders
{
    public const string Token = "token";
    public const string ApiKey = "x-api-key";

    /// <summary>All headers, in the order of reading.</summary>
    public static IReadOnlyList<string> All { get; } = [Token, HeaderNames.Authorization, ApiKey];

    private const string BearerPrefix = "Bearer ";

    // White space of HTTP (RFC 9110, section 5.6.3). Another control character is a part of the credential, which is then wrong.
    private static readonly char[] WhiteSpace = [' ', '\t'];

    /// <summary>The only credential of a request; null: none, or several.</summary>
    public static string? Credential(IHeaderDictionary headers) => SentIn(headers) is [(_, { Count: 1 } values)] ? In(values.ToString()) : null;

    /// <summary>The credential in a header. Only Authorization has schemes, but "Bearer" is accepted in every header.</summary>
    public static string In(string text) => text.StartsWith(BearerPrefix, StringComparison.OrdinalIgnoreCase) ? text[BearerPrefix.Length..].Trim(WhiteSpace) : text;

    /// <summary>The credentials of a request. Empty on anonymous endpoints, because a liveness probe must not depend on the look-up of a credential.</summary>
    public static IReadOnlyList<(string Header, StringValues Values)> SentTo(HttpContext context) =>
        context.GetEndpoint()?.Metadata.GetMetadata<IAllowAnonymous>() is null ? SentIn(context.Request.Headers) : [];

    /// <summary>An empty header counts as absent: some proxies and clients send one without a credential.</summary>
    private static List<(string Header, StringValues Values)> SentIn(IHeaderDictionary headers)
    {
        var sent = new List<(string Header, StringValues Values)>(1);
        foreach (var header in All)
        {
            if (headers.TryGetValue(header, out var values) && Given(values) is { Count: > 0 } given)
            {
                sent.Add((header, given));
            }
        }

        return sent;
    }

    private static StringValues Given(StringValues values) => values is [var only]
        ? string.IsNullOrWhiteSpace(only) ? StringValues.Empty : values
        : values.Where(value => !string.IsNullOrWhiteSpace(value)).ToArray();
}
