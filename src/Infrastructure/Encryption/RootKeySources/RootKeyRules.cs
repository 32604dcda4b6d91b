using System.Text.RegularExpressions;
using Secrets.Infrastructure.Foundation;

namespace Secrets.Infrastructure.Encryption.RootKeySources;

/// <summary>Checks the settings of the root keys. A setting that the provider does not use is refused: the operator expects an effect that does not come.</summary>
internal sealed partial class RootKeyRules : IValidateOptions<EncryptionOptions>
{
    public const string CurrentSection = $"{EncryptionOptions.Section}:{nameof(EncryptionOptions.RootKey)}";
    public const string PreviousSection = $"{EncryptionOptions.Section}:{nameof(EncryptionOptions.PreviousRootKey)}";

    private const int MaxSeconds = 600;
    private const string AddressRule = "must be an https URL without query and user (http on loopback only)";

    private static readonly (string Name, Func<RootKeySettings, string?> Text, RootKeyProvider[] RequiredBy, RootKeyProvider[] OptionalFor)[] Members =
    [
        (nameof(RootKeySettings.File), settings => settings.File, [RootKeyProvider.File], []),
        (nameof(RootKeySettings.WrappedFile), settings => settings.WrappedFile, [RootKeyProvider.AwsKms, RootKeyProvider.AzureKeyVault], []),
        (nameof(RootKeySettings.KeyId), settings => settings.KeyId, [RootKeyProvider.AwsKms, RootKeyProvider.AzureKeyVault], []),
        (nameof(RootKeySettings.ServiceUrl), settings => settings.ServiceUrl, [], [RootKeyProvider.AwsKms]),
        (nameof(RootKeySettings.VaultUri), settings => settings.VaultUri, [RootKeyProvider.AzureKeyVault], []),
        (nameof(RootKeySettings.Command), settings => settings.Command, [RootKeyProvider.Command], []),
        (
            nameof(RootKeySettings.TimeoutSeconds), settings => settings.TimeoutSeconds is null ? null : "set",
            [], [RootKeyProvider.AwsKms, RootKeyProvider.AzureKeyVault, RootKeyProvider.Command]),
    ];

    public ValidateOptionsResult Validate(string? name, EncryptionOptions options) =>
        (FaultOf(options.RootKey, options.RootKeyFile, CurrentSection) ?? FaultOf(options.PreviousRootKey, options.PreviousRootKeyFile, PreviousSection)) is { } fault
            ? ValidateOptionsResult.Fail(fault)
            : ValidateOptionsResult.Success;

    private static string? FaultOf(RootKeySettings settings, string? shortForm, string section)
    {
        if (RootKeyProviders.Find(settings) is not { } provider)
        {
            return $"{section}:Provider must be one of {string.Join(", ", Enum.GetNames<RootKeyProvider>())}.";
        }

        var hasMembers = Members.Any(member => IsSet(member.Text(settings)));
        if (IsSet(shortForm))
        {
            return hasMembers || provider is not RootKeyProvider.File
                ? $"{section}File and the settings in {section} exclude each other: {section}File is short for {section}:File. Remove one of them."
                : null;
        }

        return hasMembers || IsSet(settings.Provider)
            ? FaultOfMembers(settings, provider, section) ?? FaultOfTexts(settings, provider, section)
            : null;
    }

    private static string? FaultOfMembers(RootKeySettings settings, RootKeyProvider provider, string section)
    {
        var unused = Members.FirstOrDefault(
            member => IsSet(member.Text(settings)) && !member.RequiredBy.Contains(provider) && !member.OptionalFor.Contains(provider)).Name;
        var missing = Members.FirstOrDefault(member => !IsSet(member.Text(settings)) && member.RequiredBy.Contains(provider)).Name;
        return unused is not null ? $"{section}:{unused} has no effect with the provider {provider}. Remove it, or set {section}:Provider."
            : missing is not null ? $"Set {section}:{missing}: the provider {provider} needs it."
            : null;
    }

    private static string? FaultOfTexts(RootKeySettings settings, RootKeyProvider provider, string section) => settings switch
    {
        { TimeoutSeconds: < 1 or > MaxSeconds } => $"{section}:TimeoutSeconds must be from 1 to {MaxSeconds}.",
        { ServiceUrl.Length: > 0 } when !SafeAddress.IsSafe(settings.ServiceUrl) => $"{section}:ServiceUrl {AddressRule}.",
        { VaultUri.Length: > 0 } when !SafeAddress.IsSafe(settings.VaultUri) => $"{section}:VaultUri {AddressRule}.",
        { Command.Length: > 0 } when CommandRootKeySource.Parse(settings.Command) is null =>
            $"{section}:Command must be a program with its arguments, separated by spaces, or a JSON array of texts.",
        _ when provider is RootKeyProvider.AzureKeyVault && !NameAndVersion().IsMatch(settings.KeyId!) =>
            $"{section}:KeyId must be the name and the version of a key: name/version.",
        _ => null,
    };

    private static bool IsSet(string? text) => !string.IsNullOrEmpty(text);

    [GeneratedRegex(@"^[0-9A-Za-z-]{1,127}/[0-9A-Za-z]{1,64}\z", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1_000)]
    private static partial Regex NameAndVersion();
}
