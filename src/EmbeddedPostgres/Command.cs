using System.ComponentModel;
using System.Diagnostics;

namespace Secrets.EmbeddedPostgres;

/// <summary>Runs a program to its end, without a shell: arguments need no quoting.</summary>
internal static class Command
{
    // A program gets only the variables that it needs to load. Our environment may hold root keys and passwords, and the account of a program can read
    // the environment of that program.
    private static readonly string[] Inherited =
    [
        "PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SystemRoot", "SystemDrive", "windir", "ComSpec", "PATHEXT", "TEMP", "TMP",
    ];

    // The GNU allocator returns freed memory to the kernel after each statement and requests it again at the next: 7 % of the processor time of a
    // create. With these limits, in bytes, each connection of the server keeps that memory. Other allocators ignore the variables.
    private static readonly (string Name, string Value)[] Allocator =
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

    public static ProcessStartInfo Describe(IReadOnlyList<string> command)
    {
        var start = new ProcessStartInfo(command[0], command.Skip(1))
        {
            UseShellExecute = false,
            CreateNoWindow = true,
            // The server's account may be unable to enter the current directory.
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

    /// <summary>Runs a program and returns its output and errors. As in a shell, exit code 127 means that the program is missing, and 124 a timeout.</summary>
    public static async Task<Result> RunAsync(IReadOnlyList<string> command, TimeSpan limit, TimeProvider clock, CancellationToken cancellationToken)
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
        return SearchPath().Concat(system)
            .Select(directory => Path.Combine(directory, name))
            .FirstOrDefault(File.Exists);
    }

    public static IEnumerable<string> SearchPath() =>
        (Environment.GetEnvironmentVariable("PATH") ?? "")
            .Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
            .Where(Path.IsPathRooted);
}
