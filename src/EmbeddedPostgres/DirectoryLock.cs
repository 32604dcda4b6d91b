using System.Globalization;

namespace Secrets.EmbeddedPostgres;

/// <summary>Allows one instance of the service per data directory. The lock ends with its process, even after kill -9.</summary>
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

        // A child that the holder was starting when it ended may keep the lock for a moment, so the lock is tried five times.
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
                    + "instance, or set Embedded__DataDirectory to another directory. Several instances cannot share an embedded database; "
                    + "give them a database server with Database__Provider=Postgres or SqlServer.",
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
            // The next holder overwrites the file.
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
