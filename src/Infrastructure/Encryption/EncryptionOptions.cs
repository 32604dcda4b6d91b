namespace Secrets.Infrastructure.Encryption;

/// <summary>The section <c>Encryption</c>: files of the root key.</summary>
internal sealed class EncryptionOptions
{
    public const string Section = "Encryption";

    /// <summary>A file with the root key: 32 bytes in base64. Surrounding white space is ignored.</summary>
    public string? RootKeyFile { get; set; }

    /// <summary>
    /// A file of the same form with the former root key. The first start re-encrypts the database from this key to the one in <see cref="RootKeyFile"/>.
    /// </summary>
    public string? PreviousRootKeyFile { get; set; }
}
