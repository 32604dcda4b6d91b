namespace Secrets.EmbeddedPostgres;

/// <summary>The directory that the server writes its log files to, of which the latest are kept.</summary>
internal sealed class ServerLog(string path)
{
    private const int KeptLogs = 10;

    public string Path => path;

    public void Prune()
    {
        try
        {
            foreach (var old in LogFiles().SkipLast(KeptLogs))
            {
                File.Delete(old);
            }
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // Old logs that stay are no reason to stop watching over the server; the next turn tries again.
        }
    }

    /// <summary>The end of what the server said last.</summary>
    public string LastLines()
    {
        if (LogFiles().LastOrDefault() is not { } last)
        {
            return "";
        }

        using var stream = new FileStream(last, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        stream.Seek(-Math.Min(stream.Length, 8192), SeekOrigin.End);
        using var reader = new StreamReader(stream);
        return Command.LastLines(reader.ReadToEnd());
    }

    private IEnumerable<string> LogFiles() =>
        Directory.GetFiles(path, "*.log").Order(StringComparer.Ordinal);
}
