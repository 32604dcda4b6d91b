namespace Secrets.Infrastructure.Encryption.RootKeySources;

/// <summary>The kinds of <see cref="IRootKeySource"/>, under the names that the setting has.</summary>
internal enum RootKeyProvider
{
    /// <summary>A file with the key.</summary>
    File,

    /// <summary>A file with the encrypted key, which AWS KMS decrypts.</summary>
    AwsKms,

    /// <summary>A file with the encrypted key, which Azure Key Vault unwraps.</summary>
    AzureKeyVault,

    /// <summary>A program that prints the key.</summary>
    Command,
}

/// <summary>Reads the setting <c>Provider</c>.</summary>
internal static class RootKeyProviders
{
    /// <summary>The provider that the settings name, File by default; null if no provider has that name.</summary>
    public static RootKeyProvider? Find(RootKeySettings settings) => string.IsNullOrEmpty(settings.Provider)
        ? RootKeyProvider.File
        : Enum.GetValues<RootKeyProvider>()
            .Select(provider => (RootKeyProvider?)provider)
            .FirstOrDefault(provider => string.Equals($"{provider}", settings.Provider, StringComparison.OrdinalIgnoreCase));
}
