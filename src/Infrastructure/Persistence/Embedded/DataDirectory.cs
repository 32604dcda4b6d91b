using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Secrets.Infrastructure.Persistence.Embedded;

/// <summary>
/// The layout on disk: <c>pgdata</c> (the cluster), <c>password</c>, <c>log</c>, <c>lock</c> and the directory of the socket. All of
/// it is closed to other accounts. Held exclusively from <see cref="OpenAsync"/> to <see cref="Dispose"/>.
/// </summary>
internal sealed class DataDirectory : IDisposable
{
    private const string StagingPrefix = "initdb-";
    private const string TemporaryPrefix = "secrets-pg-";
    private const string SocketName = ".s.PGSQL.5432";
    private const int KeptLogs = 10;

    private readonly FileStream _lock;

    private DataDirectory(string path, FileStream @lock)
    {
        Path = path;
        _lock = @lock;
    }

    public string Path { get; }

    public string Cluster => In("pgdata");

    public string Logs => In("log");

    public string PasswordFile => In("password");

    /// <summary>Where the socket is, or null on Windows.</summary>
    public string? Sockets { get; private set; }

    private string HolderFile => In("lock.pid");

    private string SocketRecord => In("socket.path");

    public static async Task<DataDirectory> OpenAsync(string path, ServerAccount account, TimeProvider clock, CancellationToken cancellationToken)
    {
        try
        {
            return await OpenCoreAsync(path, account, clock, cancellationToken);
        }
        catch (Exception exception) when (exception is UnauthorizedAccessException or IOException)
        {
            throw new StartupException(
                $"The data directory {path} cannot be used by the account {Environment.UserName}: {exception.Message} "
                + "Run the service as the account that made it, or set Embedded__DataDirectory to another directory.",
                exception);
        }
    }

    /// <summary>The major version that made the cluster, or null when there is none yet.</summary>
    public static int? ClusterMajor(string path)
    {
        var file = System.IO.Path.Combine(path, "pgdata", "PG_VERSION");
        try
        {
            return File.Exists(file) && int.TryParse(
                File.ReadAllText(file).Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out var major)
                    ? major
                    : null;
        }
        catch (UnauthorizedAccessException)
        {
            return null;
        }
    }

    public static void CreatePrivate(string path)
    {
        if (OperatingSystem.IsWindows())
        {
            Directory.CreateDirectory(path);
        }
        else
        {
            const UnixFileMode Mine = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
            // Parents that are missing get the usual mode: the server's account may have to pass through them.
            if (System.IO.Path.GetDirectoryName(path) is { } parent) Directory.CreateDirectory(parent);
            Directory.CreateDirectory(path, Mine);
            File.SetUnixFileMode(path, Mine);
        }
    }

    public static void WritePrivate(string path, string text)
    {
        var options = new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write, Share = FileShare.None };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        using var stream = new FileStream(path, options);
        stream.Write(Encoding.ASCII.GetBytes(text));
        stream.Flush(flushToDisk: true);
    }

    public string NewStaging() => In(StagingPrefix + RandomNumberGenerator.GetHexString(8, lowercase: true));

    /// <summary>What an interrupted first start left. A cluster that was ever in use is not among it: it has its own name.</summary>
    public void RemoveStaging()
    {
        foreach (var left in Directory.GetDirectories(Path, StagingPrefix + "*")) Directory.Delete(left, recursive: true);
    }

    public string ReadPassword()
    {
        if (!File.Exists(PasswordFile))
        {
            throw new StartupException(
                $"The database in {Cluster} has lost its password: restore {PasswordFile} from a backup of the data directory, "
                + "or move the whole directory away to begin with an empty database.");
        }

        return File.ReadAllText(PasswordFile).Trim();
    }

    public void WritePassword(string password)
    {
        var fresh = PasswordFile + ".new";
        WritePrivate(fresh, password);
        File.Move(fresh, PasswordFile, overwrite: true);
    }

    /// <summary>
    /// Makes the directory of the socket. An address of a socket is at most 107 bytes (103 on macOS), and what reads it gives meaning to
    /// commas and colons, so a path that does not qualify is replaced by a directory of unpredictable name under the temporary path.
    /// </summary>
    public async Task MakeSocketsAsync(ServerAccount account, CancellationToken cancellationToken)
    {
        if (OperatingSystem.IsWindows()) return;

        RemoveTemporarySockets();
        var plain = In("socket");
        if (Qualifies(plain))
        {
            Sockets = plain;
            CreatePrivate(plain);
        }
        else
        {
            var parent = System.IO.Path.GetTempPath();
            if (!Qualifies(System.IO.Path.Combine(parent, TemporaryPrefix + "123456"))) parent = "/tmp";
            var made = NewTemporary(parent);
            WritePrivate(SocketRecord, made);
            Sockets = made;
        }

        await account.OwnAsync(Sockets, cancellationToken);
    }

    /// <summary>A socket of a server that is gone stops the next one when the pid in its lock file lives again.</summary>
    public void RemoveStaleSockets()
    {
        if (Sockets is null) return;
        foreach (var suffix in new[] { "", ".lock" }) File.Delete(System.IO.Path.Combine(Sockets, SocketName + suffix));
    }

    public void PruneLogs()
    {
        foreach (var old in LogFiles().SkipLast(KeptLogs)) File.Delete(old);
    }

    /// <summary>The end of what the server said last.</summary>
    public string LastLogLines()
    {
        if (LogFiles().LastOrDefault() is not { } last) return "";
        using var stream = new FileStream(last, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        stream.Seek(-Math.Min(stream.Length, 8192), SeekOrigin.End);
        using var reader = new StreamReader(stream);
        return Command.LastLines(reader.ReadToEnd());
    }

    public void Dispose()
    {
        try
        {
            RemoveTemporarySockets();
            File.Delete(HolderFile);
        }
        catch (Exception exception) when (exception is UnauthorizedAccessException or IOException)
        {
            // Only the convenience of the next start is lost.
        }

        _lock.Dispose();
    }

    private static async Task<DataDirectory> OpenCoreAsync(
        string path, ServerAccount account, TimeProvider clock, CancellationToken cancellationToken)
    {
        RequireOwnDirectory(path);
        if (!Directory.Exists(path)) CreatePrivate(path);
        var result = new DataDirectory(path, await LockAsync(path, clock, cancellationToken));
        try
        {
            if (ClusterMajor(path) is not null) await account.RequireOwnerAsync(result.Cluster, cancellationToken);
            if (!OperatingSystem.IsWindows())
            {
                // The server's account passes through to what it owns, and can neither list the directory nor read our files in it.
                await account.ShareAsync(path, cancellationToken);
                var mode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
                File.SetUnixFileMode(path, account.Group is null ? mode : mode | UnixFileMode.GroupExecute);
            }

            CreatePrivate(result.Logs);
            await account.OwnAsync(result.Logs, cancellationToken);
            result.RemoveStaging();
            return result;
        }
        catch
        {
            result.Dispose();
            throw;
        }
    }

    // The directory is about to be closed to other accounts, which would be a blow to a place that others use.
    private static void RequireOwnDirectory(string path)
    {
        var home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
        if (path.Equals(System.IO.Path.GetPathRoot(path), StringComparison.Ordinal)
            || path.Equals(System.IO.Path.TrimEndingDirectorySeparator(home), StringComparison.Ordinal)
            || IsOpenToOthersAndInUse(path))
        {
            throw new StartupException(
                $"Embedded__DataDirectory is {path}, which holds other things: name a directory of its own, "
                + $"for example {System.IO.Path.Combine(path, "secrets")}.");
        }
    }

    private static bool IsOpenToOthersAndInUse(string path)
    {
        const UnixFileMode Others =
            UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.GroupExecute
            | UnixFileMode.OtherRead | UnixFileMode.OtherWrite | UnixFileMode.OtherExecute;
        if (OperatingSystem.IsWindows() || !Directory.Exists(path)) return false;
        var mode = File.GetUnixFileMode(path);
        return mode.HasFlag(UnixFileMode.StickyBit)
            || ((mode & Others) != UnixFileMode.None
                && !File.Exists(System.IO.Path.Combine(path, "lock"))
                && Directory.EnumerateFileSystemEntries(path).Any(entry => System.IO.Path.GetFileName(entry) is not "lost+found"));
    }

    private static async Task<FileStream> LockAsync(string path, TimeProvider clock, CancellationToken cancellationToken)
    {
        var options = new FileStreamOptions
        {
            Mode = FileMode.OpenOrCreate,
            Access = FileAccess.ReadWrite,
            Share = FileShare.None,
        };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;

        // A process that the holder was starting as it ended may keep the lock for a moment, hence more than one attempt.
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                var stream = new FileStream(System.IO.Path.Combine(path, "lock"), options);
                WritePrivate(System.IO.Path.Combine(path, "lock.pid"), Environment.ProcessId.ToString(CultureInfo.InvariantCulture));
                return stream;
            }
            catch (IOException exception) when (IsHeld(exception))
            {
                if (attempt < 5)
                {
                    await Task.Delay(TimeSpan.FromMilliseconds(100), clock, cancellationToken);
                    continue;
                }

                var holder = System.IO.Path.Combine(path, "lock.pid");
                var pid = File.Exists(holder) ? await File.ReadAllTextAsync(holder, cancellationToken) : "unknown";
                throw new StartupException(
                    $"The data directory {path} is in use by another instance of this service (process {pid.Trim()}): stop that "
                    + "one, or set Embedded__DataDirectory to another directory. Several instances share a server of their own "
                    + "(Database__Provider=Postgres or SqlServer), never an embedded one.",
                    exception);
            }
        }
    }

    // Windows: ERROR_SHARING_VIOLATION. Unix: EWOULDBLOCK of flock(2), 11 on Linux and 35 on macOS.
    private static bool IsHeld(IOException exception) =>
        OperatingSystem.IsWindows() ? exception.HResult == unchecked((int)0x80070020) : exception.HResult is 11 or 35;

    private static bool Qualifies(string directory)
    {
        var limit = OperatingSystem.IsMacOS() ? 103 : 107;
        return Encoding.UTF8.GetByteCount(directory) + 1 + SocketName.Length <= limit
            && directory.All(letter => char.IsAsciiLetterOrDigit(letter) || letter is '/' or '.' or '_' or '-' or '+');
    }

    private static string NewTemporary(string parent)
    {
        var path = System.IO.Path.Combine(parent, TemporaryPrefix + RandomNumberGenerator.GetHexString(12, lowercase: true));
        // Directory.CreateDirectory takes one that exists; this name has 48 random bits, and then the mode is set or it throws.
        CreatePrivate(path);
        return path;
    }

    private string In(string name) => System.IO.Path.Combine(Path, name);

    private IEnumerable<string> LogFiles() =>
        Directory.GetFiles(Logs, "*.log").Order(StringComparer.Ordinal);

    private void RemoveTemporarySockets()
    {
        if (!File.Exists(SocketRecord)) return;

        var left = new DirectoryInfo(File.ReadAllText(SocketRecord).Trim());
        if (left.Exists && left.LinkTarget is null && left.Name.StartsWith(TemporaryPrefix, StringComparison.Ordinal))
        {
            foreach (var suffix in new[] { "", ".lock" }) File.Delete(System.IO.Path.Combine(left.FullName, SocketName + suffix));
            if (!left.EnumerateFileSystemInfos().Any()) left.Delete();
        }

        File.Delete(SocketRecord);
    }
}
