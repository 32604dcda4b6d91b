using Microsoft.AspNetCore.Authorization;
using Microsoft.Extensions.Primitives;
using Microsoft.Net.Http.Headers;

namespace Secrets.Api.Authentication;

/// <summary>The headers in which clients send credentials.</summary>
internal static class CredentialHeaders
{
    public const string Token = "token";
    public const string ApiKey = "x-api-key";

    /// <summary>In the order in which they are looked at.</summary>
    public static IReadOnlyList<string> All { get; } = [Token, HeaderNames.Authorization, ApiKey];

    private const string BearerPrefix = "Bearer ";

    /// <summary>The one credential of a request that may come without any; null: there is none, or there are several.</summary>
    public static string? Credential(IHeaderDictionary headers) => SentIn(headers) is [(_, { Count: 1 } values)] ? In(values.ToString()) : null;

    /// <summary>The credential in a header. Only Authorization has schemes, but a client that writes "Bearer" elsewhere means the same.</summary>
    public static string In(string text) => text.StartsWith(BearerPrefix, StringComparison.OrdinalIgnoreCase) ? text[BearerPrefix.Length..].Trim() : text;

    /// <summary>
    /// What was sent in them. Nothing where nobody is asked for a credential: whether the process is alive must not depend on whether one can be looked up.
    /// </summary>
    public static IReadOnlyList<(string Header, StringValues Values)> SentTo(HttpContext context) =>
        context.GetEndpoint()?.Metadata.GetMetadata<IAllowAnonymous>() is null ? SentIn(context.Request.Headers) : [];

    /// <summary>An empty header is none: proxies and clients send one where they have no credential to put in.</summary>
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
