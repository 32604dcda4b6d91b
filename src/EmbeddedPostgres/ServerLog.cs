using System.Collections.Concurrent;

namespace Secrets.EmbeddedPostgres;

/// <summary>The directory of the server's log files. Only the latest files are kept.</summary>
internal sealed class ServerLog(string path)
{
    private const int KeptFiles = 10;

    public string Path => path;

    public void Prune()
    {
        try
        {
            foreach (var old in Files().SkipLast(KeptFiles))
            {
                File.Delete(old);
            }
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // Old logs are no reason to stop supervising the server. The next hour tries again.
        }
    }

    /// <summary>The last lines of the latest file.</summary>
    public string LastLines()
    {
        if (Files().LastOrDefault() is not { } last)
        {
            return "";
        }

        using var stream = new FileStream(last, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        stream.Seek(-Math.Min(stream.Length, 8192), SeekOrigin.End);
        using var reader = new StreamReader(stream);
        return Command.LastLines(reader.ReadToEnd());
    }

    private IEnumerable<string> Files() => Directory.GetFiles(path, "*.log").Order(StringComparer.Ordinal);
}

/// <summary>The output of one launch, for the error message if the server does not start.</summary>
internal sealed class ServerOutput(DataDirectory data)
{
    private const int KeptLines = 50;

    private readonly ConcurrentQueue<string> _lines = new();

    public void Add(string? line)
    {
        if (line is null)
        {
            return;
        }

        _lines.Enqueue(line);
        while (_lines.Count > KeptLines)
        {
            _lines.TryDequeue(out _);
        }
    }

    public StartupException StartFailure()
    {
        var output = Command.LastLines(string.Join('\n', _lines));

        // After its first lines the server writes to its log, and says so in a line that names the logging collector.
        if (output.Length == 0 || output.Contains("logging collector", StringComparison.Ordinal))
        {
            output = data.Log.LastLines();
        }

        return new StartupException($"The embedded PostgreSQL in {data.Path} did not start: {output}");
    }
}
