using System.ComponentModel;
using System.Diagnostics;
using Xunit;

namespace Secrets.TestKit;

/// <summary>Runs other programs like a developer.</summary>
public static class Tools
{
    /// <summary>Long enough for a first <c>npm ci</c> on a busy machine.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(8);

    /// <summary>Skips the test if a program is not installed.</summary>
    public static void SkipUnlessFound(params string[] programs)
    {
        foreach (var program in programs)
        {
            var names = OperatingSystem.IsWindows() ? new[] { $"{program}.exe", $"{program}.cmd" } : [program];
            var found = (Environment.GetEnvironmentVariable("PATH") ?? "")
                .Split(Path.PathSeparator)
                .Any(folder => names.Any(name => File.Exists(Path.Combine(folder, name))));
            Assert.SkipUnless(found, $"{program} is not on the path.");
        }
    }

    /// <summary>Runs a program to its end and returns its output. Any exit code but 0 fails the test.</summary>
    public static async Task<string> RunAsync(
        string folder, string program, string[] arguments, params (string Name, string Value)[] environment)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            UseShellExecute = false,
            WorkingDirectory = folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
            Environment =
            {
                // A build server or compiler server would outlive the test and lock its folder. Node.js must not join another test run.
                ["MSBUILDDISABLENODEREUSE"] = "1",
                ["UseSharedCompilation"] = "false",
                ["DOTNET_NOLOGO"] = "1",
                ["NODE_TEST_CONTEXT"] = null,
            },
        };
        foreach (var (name, value) in environment)
        {
            start.Environment[name] = value;
        }

        using var process = Process.Start(start) ?? throw new Win32Exception();
        process.StandardInput.Close();
        var output = process.StandardOutput.ReadToEndAsync();
        var errors = process.StandardError.ReadToEndAsync();
        using var limit = new CancellationTokenSource(Patience);
        try
        {
            await process.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException late)
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"{program} {string.Join(' ', arguments)} did not end.", late);
        }

        var printed = await output + await errors;
        Assert.True(process.ExitCode == 0, $"{program} {string.Join(' ', arguments)} ended with {process.ExitCode}:\n{printed}");
        return printed;
    }
}

/// <summary>A folder outside the repository, so that the repository's build settings do not apply.</summary>
public sealed class Scratch : IDisposable
{
    public string Folder { get; } = Directory.CreateTempSubdirectory("secrets-client-").FullName;

    public async Task<string> WriteAsync(string name, string text)
    {
        var file = Path.Combine(Folder, name);
        await File.WriteAllTextAsync(file, text);
        return file;
    }

    public void Dispose() => Directory.Delete(Folder, recursive: true);
}
