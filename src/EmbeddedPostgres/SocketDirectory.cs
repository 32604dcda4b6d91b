using System.Security.Cryptography;
using System.Text;

namespace Secrets.EmbeddedPostgres;

/// <summary>The directory of the server's socket, closed to other accounts. Windows has none.</summary>
internal sealed class SocketDirectory
{
    private const string TemporaryPrefix = "secrets-pg-";
    private const string SocketName = ".s.PGSQL.5432";

    private SocketDirectory(string path) => Path = path;

    public string Path { get; }

    /// <summary>
    /// Creates the directory, in the data directory if possible. A socket's path has at most 107 bytes (103 on macOS), and programs that read it
    /// interpret commas and colons. If the data directory's path does not fit, the socket goes to the temporary path, under an unpredictable name.
    /// </summary>
    /// <returns>The directory; null on Windows.</returns>
    public static async Task<SocketDirectory?> CreateAsync(string home, ServerAccount account, TimeProvider clock, CancellationToken cancellationToken)
    {
        if (OperatingSystem.IsWindows())
        {
            return null;
        }

        RemoveTemporary(home);
        var path = System.IO.Path.Combine(home, "socket");
        if (IsUsable(path))
        {
            PrivateFiles.CreateDirectory(path);
        }
        else
        {
            var parent = System.IO.Path.GetTempPath();
            if (!IsUsable(System.IO.Path.Combine(parent, TemporaryPrefix + "123456")))
            {
                parent = "/tmp";
            }

            await DirectorySafety.RequireSharedAsync(System.IO.Path.TrimEndingDirectorySeparator(parent), clock, cancellationToken);
            path = CreateTemporary(parent);
            PrivateFiles.Write(RecordFile(home), path);
        }

        await account.TakeOwnershipAsync(path, cancellationToken);
        return new SocketDirectory(path);
    }

    /// <summary>Removes the temporary directory that this run or an earlier one created for the data directory.</summary>
    public static void RemoveTemporary(string home)
    {
        var record = RecordFile(home);
        if (!File.Exists(record))
        {
            return;
        }

        var left = new DirectoryInfo(File.ReadAllText(record).Trim());
        if (left.Exists && left.LinkTarget is null && left.Name.StartsWith(TemporaryPrefix, StringComparison.Ordinal))
        {
            RemoveSocket(left.FullName);
            if (!left.EnumerateFileSystemInfos().Any())
            {
                left.Delete();
            }
        }

        File.Delete(record);
    }

    /// <summary>Removes the socket of a server that is gone. If its pid was reused, the socket would stop the next server from starting.</summary>
    public void RemoveSocket() => RemoveSocket(Path);

    private static void RemoveSocket(string directory)
    {
        File.Delete(System.IO.Path.Combine(directory, SocketName));
        File.Delete(System.IO.Path.Combine(directory, SocketName + ".lock"));
    }

    private static bool IsUsable(string directory)
    {
        var limit = OperatingSystem.IsMacOS() ? 103 : 107;
        return Encoding.UTF8.GetByteCount(directory) + 1 + SocketName.Length <= limit
            && directory.All(letter => char.IsAsciiLetterOrDigit(letter) || letter is '/' or '.' or '_' or '-' or '+');
    }

    private static string CreateTemporary(string parent)
    {
        var path = System.IO.Path.Combine(parent, TemporaryPrefix + RandomNumberGenerator.GetHexString(12, lowercase: true));
        // CreateDirectory accepts an existing directory. The name has 48 random bits, and setting the mode fails on a directory of another account.
        PrivateFiles.CreateDirectory(path);
        return path;
    }

    private static string RecordFile(string home) => System.IO.Path.Combine(home, "socket.path");
}
