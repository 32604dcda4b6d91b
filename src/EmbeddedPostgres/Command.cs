using System.ComponentModel;
using System.Diagnostics;

namespace Secrets.EmbeddedPostgres;

/// <summary>Runs one program to its end. No shell takes part, so nothing needs quoting.</summary>
internal static class Command
{
    // Our own environment may hold root keys and passwords, and a process's environment is readable by the account that it
    // runs under. The server gets what a program needs to load, and nothing else.
    private static readonly string[] Inherited =
    [
        "PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SystemRoot", "SystemDrive", "windir", "ComSpec", "PATHEXT", "TEMP", "TMP",
    ];

    // The GNU allocator hands what a statement frees back to the kernel at its end, to ask for it again at the next: 7 % of the processor time of a
    // create. So much of it stays with each connection of the server instead, in bytes; other allocators do not know the names.
    private static readonly (string Name, string Value)[] Allocator =
    [
        ("MALLOC_TRIM_THRESHOLD_", "4194304"), ("MALLOC_TOP_PAD_", "1048576"), ("MALLOC_MMAP_THRESHOLD_", "1048576"),
    ];

    public sealed record Result(int ExitCode, string Output)
    {
        public bool Succeeded => ExitCode == 0;

        /// <summary>The last lines, for a message to a person.</summary>
        public string Tail => LastLines(Output);
    }

    public static string LastLines(string text, int count = 8) =>
        string.Join('\n', text.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).TakeLast(count));

    public static ProcessStartInfo Describe(IReadOnlyList<string> command)
    {
        var start = new ProcessStartInfo(command[0], command.Skip(1))
        {
            UseShellExecute = false,
            CreateNoWindow = true,
            // The current directory may be one that the server's account cannot enter.
            WorkingDirectory = OperatingSystem.IsWindows() ? Path.GetDirectoryName(command[0]) ?? "" : "/",
        };
        var inherited = Inherited
            .Select(name => (Name: name, Value: Environment.GetEnvironmentVariable(name)))
            .Where(pair => pair.Value is not null)
            .ToList();
        start.Environment.Clear();
        foreach (var (name, value) in inherited)
        {
            start.Environment[name] = value;
        }

        start.Environment["LC_ALL"] = "C";
        foreach (var (name, value) in Allocator)
        {
            start.Environment[name] = value;
        }

        return start;
    }

    /// <summary>Both outputs together. A program that is not there is exit code 127, as in a shell.</summary>
    public static async Task<Result> RunAsync(
        IReadOnlyList<string> command, TimeSpan limit, TimeProvider clock, CancellationToken cancellationToken)
    {
        var start = Describe(command);
        start.RedirectStandardInput = true;
        start.RedirectStandardOutput = true;
        start.RedirectStandardError = true;

        using var process = new Process { StartInfo = start };
        try
        {
            process.Start();
        }
        catch (Win32Exception exception)
        {
            return new Result(127, exception.Message);
        }

        process.StandardInput.Close();
        using var timeout = new CancellationTokenSource(limit, clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, timeout.Token);
        try
        {
            var output = process.StandardOutput.ReadToEndAsync(either.Token);
            var errors = process.StandardError.ReadToEndAsync(either.Token);
            await process.WaitForExitAsync(either.Token);
            return new Result(process.ExitCode, await output + await errors);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            cancellationToken.ThrowIfCancellationRequested();
            return new Result(124, $"{Path.GetFileName(command[0])} did not end within {limit.TotalSeconds:0} s");
        }
    }

    public static string? Find(string program)
    {
        var name = OperatingSystem.IsWindows() ? program + ".exe" : program;
        // A service manager may start us without the directories of the system's own tools.
        var system = OperatingSystem.IsWindows() ? [] : new[] { "/usr/bin", "/bin", "/usr/sbin", "/sbin" };
        return SearchPath().Concat(system)
            .Select(directory => Path.Combine(directory, name))
            .FirstOrDefault(File.Exists);
    }

    public static IEnumerable<string> SearchPath() =>
        (Environment.GetEnvironmentVariable("PATH") ?? "")
            .Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
            .Where(Path.IsPathRooted);
}
