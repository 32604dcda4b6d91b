using Azure.Core;

namespace Secrets.Infrastructure.Encryption.RootKeySources;

/// <summary>The sources that the settings name.</summary>
internal sealed class ConfiguredRootKeys(IOptions<EncryptionOptions> options, Lazy<TokenCredential> azureLogin, TimeProvider time)
{
    private const int DefaultSeconds = 30;

    /// <summary>The source of the root key; null if the settings name none.</summary>
    public IRootKeySource? Current => Find(options.Value.RootKey, options.Value.RootKeyFile, RootKeyRules.CurrentSection);

    /// <summary>The source of the former root key; null if the settings name none.</summary>
    public IRootKeySource? Previous => Find(options.Value.PreviousRootKey, options.Value.PreviousRootKeyFile, RootKeyRules.PreviousSection);

    private IRootKeySource? Find(RootKeySettings settings, string? shortForm, string section)
    {
        return RootKeyProviders.Find(settings) switch
        {
            RootKeyProvider.AwsKms => Limited(new AwsKmsRootKeySource(settings, section)),
            RootKeyProvider.AzureKeyVault => Limited(new AzureKeyVaultRootKeySource(settings, section, azureLogin)),
            RootKeyProvider.Command => Limited(new CommandRootKeySource(CommandRootKeySource.Parse(settings.Command!)!, section)),
            _ when shortForm is { Length: > 0 } path => new FileRootKeySource(path, SubjectOf(path), $"{section}File"),
            _ when settings.File is { Length: > 0 } path => new FileRootKeySource(path, SubjectOf(path), $"{section}:File"),
            _ => null,
        };

        string SubjectOf(string path) => section is RootKeyRules.CurrentSection ? $"The root key file {path}" : $"The file of the previous root key, {path},";

        LimitedRootKeySource Limited(IRootKeySource source) =>
            new(source, section, TimeSpan.FromSeconds(settings.TimeoutSeconds ?? DefaultSeconds), time);
    }
}
