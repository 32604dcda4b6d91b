using System.Security.Cryptography;
using System.Text.Json;
using Secrets.Infrastructure.Encryption;
using Secrets.Infrastructure.Foundation;

namespace Secrets.Infrastructure.Tests.RootKeys;

/// <summary>What only commands do: they have arguments, an environment, children, and much to say.</summary>
public sealed class RunningACommand : IAsyncDisposable
{
    private readonly string _key = Convert.ToBase64String(RandomNumberGenerator.GetBytes(AesGcmBox.KeySize));
    private readonly CommandPlace _place = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public ValueTask DisposeAsync() => _place.DisposeAsync();

    [Theory]
    [InlineData("$1", "a b; echo $HOME *")] // one argument, and no shell that expands it
    [InlineData("$2", "")]
    [InlineData("$#", "2")]
    public async Task Arguments_of_an_array_arrive_as_they_are(string variable, string expected)
    {
        await _place.RunAsync($"[ \"{variable}\" = '{expected}' ] && echo {_key}");
        var script = _place.Settings.Command!.Split(' ')[1];

        await ReadAsync(JsonSerializer.Serialize((string[])["/bin/sh", script, "a b; echo $HOME *", ""]));
    }

    [Fact]
    public async Task Words_are_separated_by_white_space()
    {
        await _place.RunAsync($"[ $# = 2 ] && [ \"$1$2\" = 'a$HOME' ] && echo {_key}");

        await ReadAsync($" {_place.Settings.Command}\ta  $HOME ");
    }

    [Fact]
    public async Task Settings_of_the_service_are_not_in_the_environment()
    {
        Environment.SetEnvironmentVariable("SecretsTest__Setting", "a password");
        Environment.SetEnvironmentVariable("SECRETS_TEST_LOGIN", "a login");
        await _place.RunAsync($"[ -z \"$SecretsTest__Setting\" ] && [ \"$SECRETS_TEST_LOGIN\" = 'a login' ] && echo {_key}");

        await ReadAsync(_place.Settings.Command!);
    }

    [Fact]
    public async Task Standard_input_is_empty_and_long_messages_do_not_block()
    {
        await _place.RunAsync($"cat\nhead -c 1000000 /dev/zero >&2\necho {_key}");

        await ReadAsync(_place.Settings.Command!);
    }

    [Fact]
    public async Task Endless_output_is_refused()
    {
        await _place.RunAsync("while :; do echo AAAA; done");

        Assert.Contains("more than 4096 bytes", await RefusalAsync(_place.Settings.Command!), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_failed_command_is_refused_even_if_it_printed_a_key()
    {
        await _place.RunAsync($"echo {_key}\nkill -9 $$");

        Assert.Contains("exit code 137", await RefusalAsync(_place.Settings.Command!), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Children_of_a_slow_command_are_killed()
    {
        var file = Path.Combine(Path.GetDirectoryName(_place.Settings.Command!.Split(' ')[1])!, "pid");
        await _place.RunAsync($"sleep 600 &\necho $! > {file}.new\nmv {file}.new {file}\nwait");

        Assert.Contains("within 3 seconds", await RefusalAsync(_place.Settings.Command!, seconds: 3), StringComparison.Ordinal);

        // A killed process is gone, or waits for its parent.
        var state = $"/proc/{(await File.ReadAllTextAsync(file, Cancellation)).Trim()}/stat";
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (File.Exists(state) && !(await File.ReadAllTextAsync(state, Cancellation)).Contains(") Z ", StringComparison.Ordinal))
        {
            await Task.Delay(20, limit.Token);
        }
    }

    [Fact]
    public async Task A_program_that_cannot_be_started_is_not_repeated()
    {
        // For example because somebody put the key there.
        var refusal = await RefusalAsync(_key.Replace('/', '+'));

        Assert.StartsWith("The program in Encryption:RootKey:Command cannot be started: ", refusal, StringComparison.Ordinal);
        Assert.DoesNotContain(_key[..8], refusal, StringComparison.Ordinal);
    }

    private async Task ReadAsync(string command) => Assert.Equal(_key, Convert.ToBase64String(await KeyPlace.ReadAsync(With(command), Cancellation)));

    private static async Task<string> RefusalAsync(string command, int seconds = 120) =>
        (await Assert.ThrowsAsync<StartupException>(() => KeyPlace.ReadAsync(With(command, seconds), Cancellation))).Message;

    private static RootKeySettings With(string command, int seconds = 120) => new() { Provider = "Command", Command = command, TimeoutSeconds = seconds };
}
