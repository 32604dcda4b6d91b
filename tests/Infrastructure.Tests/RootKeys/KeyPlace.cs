using System.Collections.Concurrent;
using Azure.Core;
using Microsoft.Extensions.Options;
using Secrets.Infrastructure.Encryption;
using Secrets.Infrastructure.Encryption.RootKeySources;

namespace Secrets.Infrastructure.Tests.RootKeys;

/// <summary>A stand-in for what a provider reads a root key from.</summary>
internal abstract class KeyPlace : IAsyncDisposable
{
    /// <summary>The folder of the stand-in. It is removed at the end.</summary>
    protected string Folder { get; } = Directory.CreateTempSubdirectory("secrets-key-").FullName;

    /// <summary>The settings of the section <c>Encryption:RootKey</c>.</summary>
    public abstract RootKeySettings Settings { get; }

    /// <summary>Seconds to wait for the key; more than a busy computer needs, unless the stand-in hangs.</summary>
    protected int TimeoutSeconds { get; set; } = 120;

    /// <summary>What a stand-in found wrong in requests.</summary>
    public ConcurrentQueue<string> Faults { get; } = new();

    /// <summary>A stand-in for a provider.</summary>
    public static async Task<KeyPlace> MakeAsync(string provider) => provider switch
    {
        "AwsKms" => await AwsKmsPlace.StartAsync(),
        "AzureKeyVault" => await AzureKeyVaultPlace.StartAsync(),
        "Command" => new CommandPlace(),
        _ => new FilePlace(),
    };

    /// <summary>Holds a key, as an operator would store it.</summary>
    public abstract Task HoldAsync(byte[] key);

    /// <summary>Refuses to give the key, and reveals it in everything that must not be shown.</summary>
    public abstract Task RefuseAsync(byte[] key);

    /// <summary>Gives something that cannot be read but contains the key, if the provider can.</summary>
    public abstract Task GarbleAsync(byte[] key);

    /// <summary>Is gone.</summary>
    public abstract Task VanishAsync();

    /// <summary>Gives no answer.</summary>
    public abstract Task HangAsync();

    /// <summary>Reads the key with these settings, as the start does.</summary>
    public Task<byte[]> ReadAsync(CancellationToken cancellationToken) => ReadAsync(Settings, cancellationToken);

    /// <inheritdoc cref="ReadAsync(CancellationToken)"/>
    public static Task<byte[]> ReadAsync(RootKeySettings settings, CancellationToken cancellationToken, TokenCredential? login = null)
    {
        var options = new EncryptionOptions { RootKey = settings };
        Assert.Null(new RootKeyRules().Validate(null, options).FailureMessage);
        var configured = new ConfiguredRootKeys(
            Options.Create(options), new Lazy<TokenCredential>(() => login ?? new FixedToken(AzureKeyVaultPlace.Token)), TimeProvider.System);
        Assert.Null(configured.Previous);
        return configured.Current!.ReadAsync(cancellationToken);
    }

    public virtual ValueTask DisposeAsync()
    {
        Directory.Delete(Folder, recursive: true);
        return ValueTask.CompletedTask;
    }

    /// <summary>Writes a file into the folder and returns its path.</summary>
    protected async Task<string> WriteAsync(string name, string text)
    {
        var path = Path.Combine(Folder, name);
        await File.WriteAllTextAsync(path, text);
        return path;
    }

    private sealed class FixedToken(string token) : TokenCredential
    {
        public override AccessToken GetToken(TokenRequestContext requestContext, CancellationToken cancellationToken)
        {
            Assert.Equal(["https://vault.azure.net/.default"], requestContext.Scopes);
            return new AccessToken(token, DateTimeOffset.MaxValue);
        }

        public override ValueTask<AccessToken> GetTokenAsync(TokenRequestContext requestContext, CancellationToken cancellationToken) =>
            ValueTask.FromResult(GetToken(requestContext, cancellationToken));
    }
}

/// <summary>A file.</summary>
internal sealed class FilePlace : KeyPlace
{
    private string KeyFile => Path.Combine(Folder, "root.key");

    public override RootKeySettings Settings => new() { Provider = "File", File = KeyFile };

    public override Task HoldAsync(byte[] key) => WriteAsync("root.key", $" {Convert.ToBase64String(key)}\r\n");

    public override Task RefuseAsync(byte[] key) => VanishAsync();

    public override Task GarbleAsync(byte[] key) => WriteAsync("root.key", $"key: {Convert.ToBase64String(key)}");

    public override Task VanishAsync()
    {
        File.Delete(KeyFile);
        return Task.CompletedTask;
    }

    public override Task HangAsync() => Task.CompletedTask; // a file cannot
}

/// <summary>A script.</summary>
internal sealed class CommandPlace : KeyPlace
{
    private string Script => Path.Combine(Folder, "print-key");

    public override RootKeySettings Settings => new() { Provider = "Command", Command = $"/bin/sh {Script}", TimeoutSeconds = TimeoutSeconds };

    public override Task HoldAsync(byte[] key) => RunAsync($"echo a message >&2\necho {Convert.ToBase64String(key)}");

    public override Task RefuseAsync(byte[] key) => RunAsync($"echo {Convert.ToBase64String(key)} >&2\necho {Convert.ToBase64String(key)}\nexit 7");

    public override Task GarbleAsync(byte[] key) => RunAsync($"echo key: {Convert.ToBase64String(key)}");

    public override Task VanishAsync()
    {
        File.Delete(Script);
        return Task.CompletedTask;
    }

    public override Task HangAsync()
    {
        TimeoutSeconds = 2;
        return RunAsync("sleep 600");
    }

    /// <summary>Makes the command run a script.</summary>
    public Task RunAsync(string script) => WriteAsync("print-key", script + "\n");
}
