namespace Secrets.Infrastructure.Credentials.ApiKeys;

/// <summary>The section <c>Auth</c>: the bootstrap key.</summary>
internal sealed class AuthOptions
{
    public const string Section = "Auth";
    public const int MinBootstrapKeyLength = 32;

    /// <summary>The server accepts 32 KiB of headers, which may contain the key three times.</summary>
    public const int MaxBootstrapKeyLength = 4_096;

    private const string Scheme = "Bearer ";

    /// <summary>
    /// A key with every scope, at least 32 characters. If unset and the database has no operator key, the start makes one and prints it once.
    /// </summary>
    public string? BootstrapKey { get; set; }

    /// <summary>Whether any client can send the key unchanged in a header.</summary>
    public static bool ArrivesInHeader(string key) =>
        key is { Length: >= MinBootstrapKeyLength and <= MaxBootstrapKeyLength }
        && key.All(letter => letter is >= ' ' and <= '~')
        && key[0] != ' '
        && key[^1] != ' '
        && !key.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase);
}
