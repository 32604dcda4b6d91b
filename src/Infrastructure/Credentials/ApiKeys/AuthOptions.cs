namespace Secrets.Infrastructure.Credentials.ApiKeys;

/// <summary>Credentials that come from the configuration.</summary>
internal sealed class AuthOptions
{
    public const string Section = "Auth";
    public const int MinBootstrapKeyLength = 32;

    /// <summary>The server takes 32 KiB of headers, which may hold the key three times.</summary>
    public const int MaxBootstrapKeyLength = 4_096;

    private const string Scheme = "Bearer ";

    /// <summary>
    /// A key with every scope, at least 32 characters. Unset: where no key exists yet, one is made at start and printed once.
    /// </summary>
    public string? BootstrapKey { get; set; }

    /// <summary>Whether a header brings the key to the service as it is, from any client.</summary>
    public static bool ArrivesInHeader(string key) =>
        key is { Length: >= MinBootstrapKeyLength and <= MaxBootstrapKeyLength }
        && key.All(letter => letter is >= ' ' and <= '~')
        && key[0] != ' '
        && key[^1] != ' '
        && !key.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase);
}
