namespace Secrets.Infrastructure.Encryption;

/// <summary>The section <c>Encryption</c>: where the root key and its predecessor come from.</summary>
internal sealed class EncryptionOptions
{
    public const string Section = "Encryption";

    /// <summary>Short for <see cref="RootKey"/> with the provider File: a file with 32 bytes in base64. Surrounding white space is ignored.</summary>
    public string? RootKeyFile { get; set; }

    /// <summary>Short for <see cref="PreviousRootKey"/> with the provider File.</summary>
    public string? PreviousRootKeyFile { get; set; }

    /// <summary>The root key.</summary>
    public RootKeySettings RootKey { get; set; } = new();

    /// <summary>
    /// The former root key, which may come from another provider. The first start that has both re-encrypts the database from this key to the current one.
    /// </summary>
    public RootKeySettings PreviousRootKey { get; set; } = new();
}
