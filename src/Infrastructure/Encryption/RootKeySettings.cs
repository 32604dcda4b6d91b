namespace Secrets.Infrastructure.Encryption;

/// <summary>The sections <c>Encryption:RootKey</c> and <c>Encryption:PreviousRootKey</c>: where one root key comes from. An empty text counts as not set.</summary>
internal sealed class RootKeySettings
{
    /// <summary>File (the default), AwsKms, AzureKeyVault or Command.</summary>
    public string? Provider { get; set; }

    /// <summary>For File: a file with the key, 32 bytes in base64.</summary>
    public string? File { get; set; }

    /// <summary>For AwsKms and AzureKeyVault: a file with the encrypted key, in base64.</summary>
    public string? WrappedFile { get; set; }

    /// <summary>For AwsKms: id, ARN or alias of the key that encrypted the file. For AzureKeyVault: its name and version, as <c>name/version</c>.</summary>
    public string? KeyId { get; set; }

    /// <summary>For AwsKms, optional: another address of the service, such as a VPC endpoint.</summary>
    public string? ServiceUrl { get; set; }

    /// <summary>For AzureKeyVault: the address of the vault.</summary>
    public string? VaultUri { get; set; }

    /// <summary>For Command: a program that prints the key, and its arguments. Separated by spaces, or a JSON array.</summary>
    public string? Command { get; set; }

    /// <summary>For all but File: seconds to wait for the key. Default: 30.</summary>
    public int? TimeoutSeconds { get; set; }
}
