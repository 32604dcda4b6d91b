using System.Globalization;
using Secrets.Infrastructure.Foundation;

namespace Secrets.EmbeddedPostgres;

/// <summary>One instance of the service per data directory: a lock that ends with its process, however that ends.</summary>
internal sealed class DirectoryLock : IDisposable
{
    private readonly FileStream _stream;
    private readonly string _holder;

    private DirectoryLock(FileStream stream, string holder)
    {
        _stream = stream;
        _holder = holder;
    }

    public static async Task<DirectoryLock> TakeAsync(string path, TimeProvider clock, CancellationToken cancellationToken)
    {
        var options = new FileStreamOptions
        {
            Mode = FileMode.OpenOrCreate,
            Access = FileAccess.ReadWrite,
            Share = FileShare.None,
        };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        var holder = Path.Combine(path, "lock.pid");

        // A process that the holder was starting as it ended may keep the lock for a moment, hence more than one attempt.
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                return Hold(new FileStream(Path.Combine(path, "lock"), options), holder);
            }
            catch (IOException exception) when (IsHeld(exception))
            {
                if (attempt < 5)
                {
                    await Task.Delay(TimeSpan.FromMilliseconds(100), clock, cancellationToken);
                    continue;
                }

                var pid = File.Exists(holder) ? await File.ReadAllTextAsync(holder, cancellationToken) : "unknown";
                throw new StartupException(
                    $"The data directory {path} is in use by another instance of this service (process {pid.Trim()}): stop that "
                    + "one, or set Embedded__DataDirectory to another directory. Several instances share a server of their own "
                    + "(Database__Provider=Postgres or SqlServer), never an embedded one.",
                    exception);
            }
        }
    }

    public void Dispose()
    {
        try
        {
            File.Delete(_holder);
        }
        catch (Exception exception) when (exception is UnauthorizedAccessException or IOException)
        {
            // Only the convenience of the next start is lost.
        }

        _stream.Dispose();
    }

    private static DirectoryLock Hold(FileStream stream, string holder)
    {
        try
        {
            PrivateFiles.Write(holder, Environment.ProcessId.ToString(CultureInfo.InvariantCulture));
            return new DirectoryLock(stream, holder);
        }
        catch
        {
            stream.Dispose();
            throw;
        }
    }

    // Windows: ERROR_SHARING_VIOLATION. Unix: EWOULDBLOCK of flock(2), 11 on Linux and 35 on macOS.
    private static bool IsHeld(IOException exception) =>
        OperatingSystem.IsWindows() ? exception.HResult == unchecked((int)0x80070020) : exception.HResult is 11 or 35;
}
