using System.ComponentModel;
using System.Diagnostics;
using Xunit;

namespace Secrets.TestKit;

/// <summary>Other programs, as a developer runs them.</summary>
public static class Tools
{
    /// <summary>Long enough for a first <c>npm ci</c> on a busy machine.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(8);

    /// <summary>Skips a test that needs a program which is not here.</summary>
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

    /// <summary>Runs a program to its end, which must be a success, and gives what it printed.</summary>
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
                // A build or compiler server would outlive the test and hold on to its folder; node must not take this for a part of another test run.
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

/// <summary>A folder outside the repository, so that nothing of the repository's build reaches into it.</summary>
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
