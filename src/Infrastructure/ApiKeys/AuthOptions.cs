namespace Secrets.Infrastructure.ApiKeys;

/// <summary>Credentials that come from the configuration.</summary>
internal sealed class AuthOptions
{
    public const string Section = "Auth";
    public const int MinBootstrapKeyLength = 32;

    /// <summary>
    /// A key with every scope, at least 32 characters. Unset: where no key exists yet, one is made at start and printed once.
    /// </summary>
    public string? BootstrapKey { get; set; }
}
