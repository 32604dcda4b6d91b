using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;

namespace Secrets.EmbeddedPostgres;

internal enum PidOwner
{
    /// <summary>No such process.</summary>
    Nobody,

    /// <summary>The server of this very directory.</summary>
    Server,

    /// <summary>A process that has nothing to do with us: the number was given out again.</summary>
    Stranger,

    /// <summary>It lives, and we may not look at it.</summary>
    Unknown,
}

/// <summary>What <c>postmaster.pid</c> says: the server writes it at its start and removes it at its end.</summary>
internal sealed record PostmasterFile(int Pid, long StartedAt, bool Ready)
{
    public static string PathIn(string cluster) => Path.Combine(cluster, "postmaster.pid");

    /// <summary>Null when it is absent, not (yet) whole, or not ours to read.</summary>
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

    /// <summary>Null when it is absent, or not (yet) whole.</summary>
    /// <exception cref="UnauthorizedAccessException">It is not ours to read, and may be a living server's.</exception>
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
        using var process = Alive();
        if (process is null)
        {
            return PidOwner.Nobody;
        }

        return OperatingSystem.IsLinux()
            ? await OwnerByWorkingDirectoryAsync(cluster, account, cancellationToken)
            : OwnerByStartTime(process);
    }

    /// <summary>The process with this number, whosever it is.</summary>
    public Process? Alive()
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

    // The server's working directory is its data directory, always. It is read as the server's account: root in a container
    // may lack the right to look into other accounts' processes.
    private async Task<PidOwner> OwnerByWorkingDirectoryAsync(
        string cluster, ServerAccount account, CancellationToken cancellationToken)
    {
        string stat;
        try
        {
            stat = await File.ReadAllTextAsync(string.Create(CultureInfo.InvariantCulture, $"/proc/{Pid}/stat"), cancellationToken);
        }
        catch (IOException)
        {
            return PidOwner.Nobody;
        }

        // "pid (name) state …"; a zombie keeps its number for as long as nobody collects it.
        var isServer = stat.Contains(" (postgres", StringComparison.Ordinal);
        var isZombie = stat.Contains(") Z ", StringComparison.Ordinal);
        if (!isServer || isZombie)
        {
            return PidOwner.Stranger;
        }

        var limit = TimeSpan.FromSeconds(10);
        var link = string.Create(CultureInfo.InvariantCulture, $"/proc/{Pid}/cwd");
        var theirs = await account.RunAsync(limit, cancellationToken, "readlink", link);
        var ours = await account.RunAsync(limit, cancellationToken, "readlink", "-f", cluster);
        if (!theirs.Succeeded || !ours.Succeeded)
        {
            using var process = Alive();
            return process is null ? PidOwner.Nobody : PidOwner.Unknown;
        }

        return theirs.Output.Trim().Equals(ours.Output.Trim(), StringComparison.Ordinal) ? PidOwner.Server : PidOwner.Stranger;
    }

    private PidOwner OwnerByStartTime(Process process)
    {
        try
        {
            var started = new DateTimeOffset(process.StartTime).ToUnixTimeSeconds();
            return process.ProcessName.StartsWith("postgres", StringComparison.OrdinalIgnoreCase) && Math.Abs(started - StartedAt) <= 5
                ? PidOwner.Server
                : PidOwner.Stranger;
        }
        catch (Win32Exception)
        {
            return PidOwner.Unknown;
        }
        catch (InvalidOperationException)
        {
            return PidOwner.Nobody;
        }
    }
}
