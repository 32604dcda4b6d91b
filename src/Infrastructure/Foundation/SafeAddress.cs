namespace Secrets.Infrastructure.Foundation;

/// <summary>Checks addresses from which the service fetches keys.</summary>
internal static class SafeAddress
{
    /// <summary>Whether keys may be fetched from here: over TLS, except on loopback. An attacker in between could read or replace them.</summary>
    public static bool IsSafe(Uri address) =>
        string.IsNullOrEmpty(address.UserInfo)
        && (HasScheme(address, Uri.UriSchemeHttps) || (HasScheme(address, Uri.UriSchemeHttp) && address.IsLoopback));

    /// <summary>Whether a setting is a safe address without query and fragment.</summary>
    public static bool IsSafe(string? setting) =>
        Uri.TryCreate(setting, UriKind.Absolute, out var address) && IsSafe(address) && address is { Query: "", Fragment: "" };

    private static bool HasScheme(Uri address, string scheme) => string.Equals(address.Scheme, scheme, StringComparison.Ordinal);
}
