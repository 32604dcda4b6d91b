using Microsoft.Net.Http.Headers;

namespace Secrets.Api.Authentication;

/// <summary>The headers in which clients send credentials.</summary>
internal static class CredentialHeaders
{
    public const string Token = "token";
    public const string ApiKey = "x-api-key";

    /// <summary>In the order in which they are looked at.</summary>
    public static IReadOnlyList<string> All { get; } = [Token, HeaderNames.Authorization, ApiKey];
}
