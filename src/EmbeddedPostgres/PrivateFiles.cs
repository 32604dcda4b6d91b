using System.Text;

namespace Secrets.EmbeddedPostgres;

/// <summary>Creates directories and files that are closed to other accounts from the moment they exist.</summary>
internal static class PrivateFiles
{
    public static void CreateDirectory(string path)
    {
        if (OperatingSystem.IsWindows())
        {
            Directory.CreateDirectory(path);
        }
        else
        {
            const UnixFileMode Mine = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

            // Missing parents get the usual mode: the server's account may have to pass through them.
            if (Path.GetDirectoryName(path) is { } parent)
            {
                Directory.CreateDirectory(parent);
            }

            Directory.CreateDirectory(path, Mine);
            File.SetUnixFileMode(path, Mine);
        }
    }

    public static void Write(string path, string text)
    {
        var options = new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write, Share = FileShare.None };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        using var stream = new FileStream(path, options);
        stream.Write(Encoding.ASCII.GetBytes(text));
        stream.Flush(flushToDisk: true);
    }
}
