using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;

namespace Secrets.EmbeddedPostgres;

/// <summary>The process that has the process id of a pid file.</summary>
internal enum PidOwner
{
    NoProcess,

    /// <summary>The server of this cluster.</summary>
    Server,

    /// <summary>An unrelated process: the system reused the id.</summary>
    OtherProgram,

    /// <summary>A process that we have no right to inspect.</summary>
    Unknown,
}

/// <summary>The content of <c>postmaster.pid</c>. The server writes the file at its start and removes it at its end.</summary>
internal sealed record PostmasterFile(int Pid, long StartedAt, bool Ready)
{
    public static string PathIn(string cluster) => Path.Combine(cluster, "postmaster.pid");

    /// <summary>Reads the file; null if it is absent, incomplete or not readable by this account.</summary>
    public static PostmasterFile? TryRead(string cluster)
    {
        try
        {
            return Read(cluster);
        }
        catch (UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>Reads the file; null if it is absent or incomplete.</summary>
    /// <exception cref="UnauthorizedAccessException">This account cannot read the file. A server may be running.</exception>
    public static PostmasterFile? Read(string cluster)
    {
        string[] lines;
        try
        {
            using var stream = new FileStream(
                PathIn(cluster), FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            using var reader = new StreamReader(stream);
            lines = reader.ReadToEnd().Split('\n', StringSplitOptions.TrimEntries);
        }
        catch (IOException)
        {
            return null;
        }

        // pid, data directory, start time in seconds, port, socket directory, address, shared memory key, status
        return lines.Length >= 3
            && int.TryParse(lines[0], NumberStyles.None, CultureInfo.InvariantCulture, out var pid) && pid > 0
            && long.TryParse(lines[2], NumberStyles.None, CultureInfo.InvariantCulture, out var startedAt)
                ? new PostmasterFile(pid, startedAt, lines.Length >= 8 && lines[7] is "ready")
                : null;
    }

    public async Task<PidOwner> OwnerAsync(string cluster, ServerAccount account, CancellationToken cancellationToken)
    {
        using var process = FindProcess();
        if (process is null)
        {
            return PidOwner.NoProcess;
        }

        return OperatingSystem.IsLinux()
            ? await OwnerByWorkingDirectoryAsync(cluster, account, cancellationToken)
            : OwnerByStartTime(process);
    }

    /// <summary>The process with this id, which may be another program's.</summary>
    public Process? FindProcess()
    {
        try
        {
            return Process.GetProcessById(Pid);
        }
        catch (ArgumentException)
        {
            return null;
        }
    }

    // A server's working directory is always its cluster. The server's account reads it, because root in a container may lack the right to inspect
    // processes of other accounts.
    private async Task<PidOwner> OwnerByWorkingDirectoryAsync(string cluster, ServerAccount account, CancellationToken cancellationToken)
    {
        string stat;
        try
        {
            stat = await File.ReadAllTextAsync(string.Create(CultureInfo.InvariantCulture, $"/proc/{Pid}/stat"), cancellationToken);
        }
        catch (IOException)
        {
            return PidOwner.NoProcess;
        }

        // "pid (name) state …". A zombie keeps its id until its parent collects it.
        var isServer = stat.Contains(" (postgres", StringComparison.Ordinal);
        var isZombie = stat.Contains(") Z ", StringComparison.Ordinal);
        if (!isServer || isZombie)
        {
            return PidOwner.OtherProgram;
        }

        var limit = TimeSpan.FromSeconds(10);
        var link = string.Create(CultureInfo.InvariantCulture, $"/proc/{Pid}/cwd");
        var theirs = await account.RunAsync(limit, cancellationToken, "readlink", link);
        var ours = await account.RunAsync(limit, cancellationToken, "readlink", "-f", cluster);
        if (!theirs.Succeeded || !ours.Succeeded)
        {
            using var process = FindProcess();
            return process is null ? PidOwner.NoProcess : PidOwner.Unknown;
        }

        return theirs.Output.Trim().Equals(ours.Output.Trim(), StringComparison.Ordinal) ? PidOwner.Server : PidOwner.OtherProgram;
    }

    private PidOwner OwnerByStartTime(Process process)
    {
        try
        {
            var started = new DateTimeOffset(process.StartTime).ToUnixTimeSeconds();
            return process.ProcessName.StartsWith("postgres", StringComparison.OrdinalIgnoreCase) && Math.Abs(started - StartedAt) <= 5
                ? PidOwner.Server
                : PidOwner.OtherProgram;
        }
        catch (Win32Exception)
        {
            return PidOwner.Unknown;
        }
        catch (InvalidOperationException)
        {
            return PidOwner.NoProcess;
        }
    }
}
