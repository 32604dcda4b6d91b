using System.ComponentModel;
using System.Diagnostics;

namespace Secrets.EmbeddedPostgres;

/// <summary>Runs programs without a shell, so arguments need no quoting. Also finds programs and prepares their start.</summary>
internal static class Command
{
    // Pass only the environment variables that a program needs to start. The service's environment may hold root keys and passwords, and the program's
    // account could read them.
    private static readonly string[] InheritedVariables =
    [
        "PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SystemRoot", "SystemDrive", "windir", "ComSpec", "PATHEXT", "TEMP", "TMP",
    ];

    // The GNU allocator returns freed memory to the kernel after each statement and requests it again for the next. This costs 7 % of the processor time of
    // a create. With these limits (bytes), the server process of each connection keeps the memory. Other allocators ignore the variables.
    private static readonly (string Name, string? Value)[] AllocatorVariables =
    [
        ("MALLOC_TRIM_THRESHOLD_", "4194304"), ("MALLOC_TOP_PAD_", "1048576"), ("MALLOC_MMAP_THRESHOLD_", "1048576"),
    ];

    public sealed record Result(int ExitCode, string Output)
    {
        public bool Succeeded => ExitCode == 0;

        /// <summary>The last lines, for an error message.</summary>
        public string Tail => LastLines(Output);
    }

    public static string LastLines(string text, int count = 8) =>
        string.Join('\n', text.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).TakeLast(count));

    public static ProcessStartInfo CreateStartInfo(IReadOnlyList<string> command)
    {
        var start = new ProcessStartInfo(command[0], command.Skip(1))
        {
            UseShellExecute = false,
            CreateNoWindow = true,
            // The server's account may be unable to enter the current directory.
            WorkingDirectory = OperatingSystem.IsWindows() ? Path.GetDirectoryName(command[0]) ?? "" : "/",
        };
        var inherited = InheritedVariables.Select(name => (name, Value: Environment.GetEnvironmentVariable(name))).Where(one => one.Value is not null).ToList();
        start.Environment.Clear();
        start.Environment["LC_ALL"] = "C";
        foreach (var (name, value) in inherited.Concat(AllocatorVariables))
        {
            start.Environment[name] = value;
        }

        return start;
    }

    /// <summary>Runs a program until it ends, and returns standard output followed by standard error.</summary>
    /// <returns>Exit code 127 means that the program could not be started; 124 means that the time limit ended it.</returns>
    public static async Task<Result> RunAsync(IReadOnlyList<string> command, TimeSpan limit, TimeProvider clock, CancellationToken cancellationToken)
    {
        var start = CreateStartInfo(command);
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
        using var cancelled = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, timeout.Token);
        try
        {
            var output = process.StandardOutput.ReadToEndAsync(cancelled.Token);
            var errors = process.StandardError.ReadToEndAsync(cancelled.Token);
            await process.WaitForExitAsync(cancelled.Token);
            return new Result(process.ExitCode, await output + await errors);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            cancellationToken.ThrowIfCancellationRequested();
            return new Result(124, $"{Path.GetFileName(command[0])} did not end within {limit.TotalSeconds:0} s");
        }
    }

    /// <summary>The path of a program; null if it is not installed.</summary>
    public static string? Find(string program)
    {
        var name = OperatingSystem.IsWindows() ? program + ".exe" : program;

        // A service manager may start this process with a PATH that lacks the system's directories.
        var system = OperatingSystem.IsWindows() ? [] : new[] { "/usr/bin", "/bin", "/usr/sbin", "/sbin" };
        return SearchPath().Concat(system).Select(directory => Path.Combine(directory, name)).FirstOrDefault(File.Exists);
    }

    public static IEnumerable<string> SearchPath() =>
        (Environment.GetEnvironmentVariable("PATH") ?? "")
            .Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Where(Path.IsPathRooted);
}
