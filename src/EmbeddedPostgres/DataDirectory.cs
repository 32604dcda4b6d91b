using System.Globalization;
using System.Security.Cryptography;

namespace Secrets.EmbeddedPostgres;

/// <summary>
/// The data directory: <c>pgdata</c> (the cluster), <c>password</c>, <c>log</c>, <c>lock</c>, <c>socket</c> and, unless the configuration names another
/// file, <c>root.key</c>. It is closed to other accounts, and locked from <see cref="OpenAsync"/> to <see cref="Dispose"/>.
/// </summary>
internal sealed class DataDirectory : IDisposable
{
    private const string StagingPrefix = "initdb-";

    private readonly DirectoryLock _lock;

    private DataDirectory(string path, DirectoryLock @lock)
    {
        Path = path;
        _lock = @lock;
        Log = new ServerLog(In("log"));
    }

    public string Path { get; }

    public string Cluster => In("pgdata");

    public ServerLog Log { get; }

    public string PasswordFile => In("password");

    /// <summary>Creates the directory if it is missing, checks it and locks it.</summary>
    /// <returns>The directory, and the account that its server runs as.</returns>
    /// <exception cref="StartupException">The directory is in use, unsafe or not accessible.</exception>
    public static async Task<(DataDirectory Data, ServerAccount Account)> OpenAsync(string path, TimeProvider clock, CancellationToken cancellationToken)
    {
        try
        {
            return await OpenCoreAsync(path, clock, cancellationToken);
        }
        catch (Exception exception) when (exception is UnauthorizedAccessException or IOException)
        {
            throw new StartupException(
                $"The account {Environment.UserName} cannot use the data directory {path}: {exception.Message} "
                + "Run the service as the account that created it, or set Embedded__DataDirectory to another directory.",
                exception);
        }
    }

    /// <summary>The major version that created the cluster; null before the first start.</summary>
    public int? ClusterMajor()
    {
        var file = System.IO.Path.Combine(Cluster, "PG_VERSION");
        try
        {
            return File.Exists(file) && int.TryParse(File.ReadAllText(file).Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out var major)
                ? major
                : null;
        }
        catch (UnauthorizedAccessException)
        {
            return null;
        }
    }

    public string NewStaging() => In(StagingPrefix + RandomNumberGenerator.GetHexString(8, lowercase: true));

    /// <summary>Removes the staging directories of interrupted first starts. A staging directory never holds a cluster that is in use.</summary>
    public void RemoveStaging()
    {
        foreach (var left in Directory.GetDirectories(Path, StagingPrefix + "*"))
        {
            Directory.Delete(left, recursive: true);
        }
    }

    public string ReadPassword()
    {
        if (!File.Exists(PasswordFile))
        {
            throw new StartupException(
                $"The password of the database in {Cluster} is missing: restore {PasswordFile} from a backup of the data directory, "
                + "or move the whole directory away to begin with an empty database.");
        }

        return File.ReadAllText(PasswordFile).Trim();
    }

    public void WritePassword(string password)
    {
        var fresh = PasswordFile + ".new";
        PrivateFiles.Write(fresh, password);
        File.Move(fresh, PasswordFile, overwrite: true);
    }

    public void Dispose()
    {
        try
        {
            SocketDirectory.RemoveTemporary(Path);
        }
        catch (Exception exception) when (exception is UnauthorizedAccessException or IOException)
        {
            // An empty directory under the temporary path stays. The next start removes it.
        }

        _lock.Dispose();
    }

    private static async Task<(DataDirectory Data, ServerAccount Account)> OpenCoreAsync(string path, TimeProvider clock, CancellationToken cancellationToken)
    {
        RequireDedicated(path);
        if (!Directory.Exists(path))
        {
            PrivateFiles.CreateDirectory(path);
        }

        await DirectorySafety.RequireOwnAsync(path, clock, cancellationToken);
        var result = new DataDirectory(path, await DirectoryLock.TakeAsync(path, clock, cancellationToken));
        try
        {
            var account = await ServerAccount.ChooseAsync(result.ClusterMajor() is null ? null : result.Cluster, clock, cancellationToken);
            if (!OperatingSystem.IsWindows())
            {
                // The server's account may enter the directory to reach its own files. It cannot list the directory or read the service's files.
                await account.TakeGroupAsync(path, cancellationToken);
                var mode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
                File.SetUnixFileMode(path, account.Id is null ? mode : mode | UnixFileMode.GroupExecute);
            }

            PrivateFiles.CreateDirectory(result.Log.Path);
            await account.TakeOwnershipAsync(result.Log.Path, cancellationToken);
            result.RemoveStaging();
            return (result, account);
        }
        catch
        {
            result.Dispose();
            throw;
        }
    }

    // The directory will be closed to other accounts. That would break a directory that others use.
    private static void RequireDedicated(string path)
    {
        var home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
        if (path.Equals(System.IO.Path.GetPathRoot(path), StringComparison.Ordinal)
            || path.Equals(System.IO.Path.TrimEndingDirectorySeparator(home), StringComparison.Ordinal)
            || IsOpenToOthersAndInUse(path))
        {
            throw new StartupException(
                $"Embedded__DataDirectory is {path}, which contains other files: set it to a directory of its own, "
                + $"for example {System.IO.Path.Combine(path, "secrets")}.");
        }
    }

    private static bool IsOpenToOthersAndInUse(string path)
    {
        const UnixFileMode Others =
            UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.GroupExecute
            | UnixFileMode.OtherRead | UnixFileMode.OtherWrite | UnixFileMode.OtherExecute;
        if (OperatingSystem.IsWindows() || !Directory.Exists(path))
        {
            return false;
        }

        var mode = File.GetUnixFileMode(path);
        return mode.HasFlag(UnixFileMode.StickyBit)
            || ((mode & Others) != UnixFileMode.None
                && !File.Exists(System.IO.Path.Combine(path, "lock"))
                && Directory.EnumerateFileSystemEntries(path).Any(entry => System.IO.Path.GetFileName(entry) is not "lost+found"));
    }

    private string In(string name) => System.IO.Path.Combine(Path, name);
}
