using System.Text;
using Azure.Core;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Secrets.Infrastructure.Encryption.RootKeySources;

namespace Secrets.Infrastructure.Tests.RootKeys;

/// <summary>Settings that contradict each other stop the start. The message names the setting.</summary>
public sealed class ConfiguringARootKey
{
    private const string Vault = "Provider=AzureKeyVault VaultUri=https://v.vault.azure.net KeyId=name/0123 WrappedFile=f";

    [Theory]
    [InlineData("")]
    [InlineData("Provider=")]
    [InlineData("Provider=file File=f")]
    [InlineData("File=f")]
    [InlineData("Provider=AwsKms KeyId=alias/a WrappedFile=f")]
    [InlineData("Provider=AwsKms KeyId=alias/a WrappedFile=f ServiceUrl=https://vpce.example TimeoutSeconds=600")]
    [InlineData("Provider=AwsKms KeyId=alias/a WrappedFile=f ServiceUrl=http://127.0.0.1:4566 File=")]
    [InlineData(Vault)]
    [InlineData("Provider=Command Command=print-key TimeoutSeconds=1")]
    [InlineData("Provider=Command Command=[\"print-key\",\"\"]")]
    public void Complete_settings_are_accepted(string settings)
    {
        Assert.Null(FaultOf(settings, "Encryption:RootKey:"));
        Assert.Null(FaultOf(settings, "Encryption:PreviousRootKey:"));
    }

    [Theory]
    [InlineData("Provider=Kms", "Provider must be one of File, AwsKms, AzureKeyVault, Command.")]
    [InlineData("Provider=1", "Provider must be one of")]
    [InlineData("Provider=File", "Set *File: the provider File needs it")]
    [InlineData("TimeoutSeconds=5 File=f", "TimeoutSeconds has no effect with the provider File")]
    [InlineData("KeyId=a File=f", "KeyId has no effect with the provider File")]
    [InlineData("Provider=AwsKms KeyId=a", "Set *WrappedFile")]
    [InlineData("Provider=AwsKms WrappedFile=f", "Set *KeyId")]
    [InlineData("Provider=AwsKms KeyId=a WrappedFile=f VaultUri=https://v", "VaultUri has no effect with the provider AwsKms")]
    [InlineData("Provider=AwsKms KeyId=a WrappedFile=f Command=c", "Command has no effect")]
    [InlineData("Provider=AwsKms KeyId=a WrappedFile=f File=f", "File has no effect")]
    [InlineData("Provider=AwsKms KeyId=a WrappedFile=f ServiceUrl=http://kms.example", "ServiceUrl must be an https URL")]
    [InlineData("Provider=AwsKms KeyId=a WrappedFile=f ServiceUrl=https://user:secret@kms.example", "ServiceUrl must be an https URL")]
    [InlineData("Provider=AzureKeyVault KeyId=name/0123 WrappedFile=f", "Set *VaultUri")]
    [InlineData("Provider=AzureKeyVault VaultUri=http://v.vault.azure.net KeyId=name/0123 WrappedFile=f", "VaultUri must be an https URL")]
    [InlineData("Provider=AzureKeyVault VaultUri=v KeyId=name/0123 WrappedFile=f", "VaultUri must be an https URL")]
    [InlineData("Provider=AzureKeyVault VaultUri=https://v KeyId=name WrappedFile=f", "KeyId must be the name and the version")]
    [InlineData("Provider=AzureKeyVault VaultUri=https://v KeyId=a/../b WrappedFile=f", "KeyId must be the name and the version")]
    [InlineData("Provider=AzureKeyVault VaultUri=https://v KeyId=name/0123?x WrappedFile=f", "KeyId must be the name and the version")]
    [InlineData(Vault + " ServiceUrl=https://v", "ServiceUrl has no effect")]
    [InlineData("Provider=Command", "Set *Command")]
    [InlineData("Provider=Command Command=[", "Command must be a program")]
    [InlineData("Provider=Command Command=[]", "Command must be a program")]
    [InlineData("Provider=Command Command=[\"\"]", "Command must be a program")]
    [InlineData("Provider=Command Command=[\"a\",null]", "Command must be a program")]
    [InlineData("Provider=Command Command=[1]", "Command must be a program")]
    [InlineData("Provider=Command Command=a TimeoutSeconds=0", "TimeoutSeconds must be from 1 to 600")]
    [InlineData("Provider=Command Command=a TimeoutSeconds=601", "TimeoutSeconds must be from 1 to 600")]
    public void A_contradiction_is_named(string settings, string expected)
    {
        foreach (var section in (string[])["Encryption:RootKey:", "Encryption:PreviousRootKey:"])
        {
            var fault = FaultOf(settings, section);

            Assert.Contains(expected.Contains('*', StringComparison.Ordinal) ? expected.Replace("*", section, StringComparison.Ordinal) : section + expected, fault, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("Provider=Command Command=c", false)]
    [InlineData("File=f", false)]
    [InlineData("WrappedFile=f", false)]
    [InlineData("Provider=File", true)]
    [InlineData("", true)]
    public void The_short_form_stands_alone(string settings, bool isAccepted)
    {
        foreach (var section in (string[])["Encryption:RootKey", "Encryption:PreviousRootKey"])
        {
            var fault = FaultOf(settings, section + ":", (section + "File", "f"));

            Assert.Equal(isAccepted, fault is null);
            Assert.Contains(isAccepted ? "" : $"{section}File and the settings in {section} exclude each other", fault ?? "", StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Both_keys_may_come_from_different_providers()
    {
        Assert.Null(FaultOf("Provider=Command Command=c", "Encryption:RootKey:", ("Encryption:PreviousRootKeyFile", "f")));
        var configured = ConfiguredBy("Provider=Command Command=c", "Encryption:PreviousRootKey:", ("Encryption:RootKeyFile", "f"));

        Assert.Equal("the file f", configured.Current!.Origin);
        Assert.Equal("the command in Encryption:PreviousRootKey:Command", configured.Previous!.Origin);
    }

    [Theory]
    [InlineData("utf-8")]
    [InlineData("utf-8 with mark")]
    [InlineData("utf-16")] // as Windows PowerShell writes it
    public async Task A_file_may_have_the_encodings_of_editors(string encoding)
    {
        await using var place = new FilePlace();
        var key = new byte[32];
        var chosen = encoding switch { "utf-16" => Encoding.Unicode, "utf-8" => new UTF8Encoding(encoderShouldEmitUTF8Identifier: false), _ => Encoding.UTF8 };
        await File.WriteAllTextAsync(place.Settings.File!, Convert.ToBase64String(key) + "\r\n", chosen, TestContext.Current.CancellationToken);

        Assert.Equal(key, await place.ReadAsync(TestContext.Current.CancellationToken));
    }

    private static string? FaultOf(string settings, string section, params (string Name, string Value)[] others)
    {
        try
        {
            _ = ConfiguredBy(settings, section, others).Current;
            return null;
        }
        catch (OptionsValidationException exception)
        {
            Assert.DoesNotContain('\n', exception.Message);
            return exception.Message;
        }
    }

    private static ConfiguredRootKeys ConfiguredBy(string settings, string section, params (string Name, string Value)[] others)
    {
        var pairs = settings.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(setting => setting.Split('=', 2))
            .Select(pair => KeyValuePair.Create(section + pair[0], (string?)pair[1]))
            .Concat(others.Select(other => KeyValuePair.Create(other.Name, (string?)other.Value)));
        return new ServiceCollection()
            .AddSingleton<IConfiguration>(new ConfigurationBuilder().AddInMemoryCollection(pairs).Build())
            .AddSingleton(TimeProvider.System)
            .AddRootKeySources()
            .AddSingleton(new Lazy<TokenCredential>(() => throw new InvalidOperationException("No login is needed to read the settings.")))
            .BuildServiceProvider()
            .GetRequiredService<ConfiguredRootKeys>();
    }
}
