namespace Secrets.Infrastructure.Encryption;

/// <summary>Where the root key is.</summary>
internal sealed class EncryptionOptions
{
    public const string Section = "Encryption";

    /// <summary>A file that holds the root key: 32 bytes in base64, white space around it ignored.</summary>
    public string? RootKeyFile { get; set; }

    /// <summary>
    /// A file of the same form with the root key that <see cref="RootKeyFile"/> replaces: the first start moves the database from that key to the new one.
    /// </summary>
    public string? PreviousRootKeyFile { get; set; }
}
