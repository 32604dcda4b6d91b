using System.ComponentModel;
using System.Diagnostics;
using System.Security.Cryptography;
using System.Text.Json;
using Secrets.Infrastructure.Foundation;

namespace Secrets.Infrastructure.Encryption.RootKeySources;

/// <summary>A program that prints the key in base64. It runs without a shell. Its standard error is discarded, because it may contain the key.</summary>
internal sealed class CommandRootKeySource(IReadOnlyList<string> command, string section) : IRootKeySource
{
    private const int MaxOutputBytes = 4096;

    public string Origin => $"the command in {section}:Command";

    /// <summary>The program and its arguments: separated by spaces, or a JSON array. Null if there is no program.</summary>
    public static IReadOnlyList<string>? Parse(string text)
    {
        try
        {
            var words = text.StartsWith('[') ? JsonSerializer.Deserialize<string?[]>(text)! : text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
            return words is [{ Length: > 0 }, ..] && !words.Contains(null) ? words.OfType<string>().ToList() : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    public async Task<byte[]> ReadAsync(CancellationToken cancellationToken)
    {
        using var process = Start();
        try
        {
            process.StandardInput.Close();
            _ = DiscardAsync(process.StandardError.BaseStream, cancellationToken);
            var output = await KeyText.ReadAsync(process.StandardOutput.BaseStream, MaxOutputBytes, cancellationToken)
                ?? throw new StartupException($"The command in {section}:Command prints more than {MaxOutputBytes} bytes. It must print the root key alone.");
            await process.WaitForExitAsync(cancellationToken);
            if (process.ExitCode != 0)
            {
                CryptographicOperations.ZeroMemory(output);
                throw new StartupException(
                    $"The command in {section}:Command failed with exit code {process.ExitCode}. Its messages are not shown, because they may contain the key.");
            }

            return KeyText.DecodeAndClear(output)
                ?? throw new StartupException($"The command in {section}:Command must print {AesGcmBox.KeySize} bytes in base64.");
        }
        finally
        {
            Stop(process);
        }
    }

    private Process Start()
    {
        var start = new ProcessStartInfo(command[0], command.Skip(1))
        {
            UseShellExecute = false,
            CreateNoWindow = true,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };

        // The program needs the environment, for its own login. It does not need the settings of the service, which may hold passwords.
        foreach (var setting in start.Environment.Keys.Where(name => name.Contains("__", StringComparison.Ordinal)).ToList())
        {
            start.Environment.Remove(setting);
        }

        try
        {
            return Process.Start(start)!;
        }
        catch (Win32Exception exception)
        {
            // The exception repeats the command, and somebody may have put the key there.
            throw new StartupException($"The program in {section}:Command cannot be started: {new Win32Exception(exception.NativeErrorCode).Message}.");
        }
    }

    private static async Task DiscardAsync(Stream stream, CancellationToken cancellationToken)
    {
        try
        {
            await stream.CopyToAsync(Stream.Null, cancellationToken);
        }
        catch (Exception exception) when (exception is IOException or ObjectDisposedException or OperationCanceledException)
        {
            // The program was stopped.
        }
    }

    private static void Stop(Process process)
    {
        try
        {
            process.Kill(entireProcessTree: true);
        }
        catch (Exception exception) when (exception is InvalidOperationException or Win32Exception or AggregateException)
        {
            // The program has ended.
        }
    }
}
