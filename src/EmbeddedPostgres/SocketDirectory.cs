using System.Security.Cryptography;
using System.Text;

namespace Secrets.EmbeddedPostgres;

/// <summary>The closed directory that the server's socket is in. Windows has none.</summary>
internal sealed class SocketDirectory
{
    private const string TemporaryPrefix = "secrets-pg-";
    private const string SocketName = ".s.PGSQL.5432";

    private SocketDirectory(string path)
    {
        Path = path;
    }

    public string Path { get; }

    /// <summary>
    /// Makes the directory of the socket. An address of a socket is at most 107 bytes (103 on macOS), and what reads it gives meaning to
    /// commas and colons, so a path that does not qualify is replaced by a directory of unpredictable name under the temporary path.
    /// Null on Windows.
    /// </summary>
    public static async Task<SocketDirectory?> MakeAsync(string home, ServerAccount account, TimeProvider clock, CancellationToken cancellationToken)
    {
        if (OperatingSystem.IsWindows())
        {
            return null;
        }

        RemoveTemporary(home);
        var path = System.IO.Path.Combine(home, "socket");
        if (Qualifies(path))
        {
            PrivateFiles.CreateDirectory(path);
        }
        else
        {
            var parent = System.IO.Path.GetTempPath();
            if (!Qualifies(System.IO.Path.Combine(parent, TemporaryPrefix + "123456")))
            {
                parent = "/tmp";
            }

            await DirectorySafety.RequireSharedAsync(System.IO.Path.TrimEndingDirectorySeparator(parent), clock, cancellationToken);
            path = NewTemporary(parent);
            PrivateFiles.Write(RecordIn(home), path);
        }

        await account.OwnAsync(path, cancellationToken);
        return new SocketDirectory(path);
    }

    /// <summary>The temporary directory that this run or an earlier one made for the data directory.</summary>
    public static void RemoveTemporary(string home)
    {
        var record = RecordIn(home);
        if (!File.Exists(record))
        {
            return;
        }

        var left = new DirectoryInfo(File.ReadAllText(record).Trim());
        if (left.Exists && left.LinkTarget is null && left.Name.StartsWith(TemporaryPrefix, StringComparison.Ordinal))
        {
            foreach (var suffix in new[] { "", ".lock" })
            {
                File.Delete(System.IO.Path.Combine(left.FullName, SocketName + suffix));
            }

            if (!left.EnumerateFileSystemInfos().Any())
            {
                left.Delete();
            }
        }

        File.Delete(record);
    }

    /// <summary>A socket of a server that is gone stops the next one when the pid in its lock file lives again.</summary>
    public void RemoveStale()
    {
        foreach (var suffix in new[] { "", ".lock" })
        {
            File.Delete(System.IO.Path.Combine(Path, SocketName + suffix));
        }
    }

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
        PrivateFiles.CreateDirectory(path);
        return path;
    }

    private static string RecordIn(string home) => System.IO.Path.Combine(home, "socket.path");
}
