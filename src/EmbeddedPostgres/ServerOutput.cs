using System.Collections.Concurrent;
using Secrets.Infrastructure.Foundation;

namespace Secrets.EmbeddedPostgres;

/// <summary>What the server of one launch said, to be passed on should it not start.</summary>
internal sealed class ServerOutput(DataDirectory data)
{
    private readonly ConcurrentQueue<string> _said = new();

    public void Remember(string? line)
    {
        if (line is null)
        {
            return;
        }

        _said.Enqueue(line);
        while (_said.Count > 50)
        {
            _said.TryDequeue(out _);
        }
    }

    public StartupException DidNotStart()
    {
        var said = Command.LastLines(string.Join('\n', _said));
        // Past its first lines the server writes to its log, and tells that here.
        if (said.Length == 0 || said.Contains("logging collector", StringComparison.Ordinal))
        {
            said = data.Log.LastLines();
        }

        return new StartupException($"The embedded PostgreSQL in {data.Path} did not start: {said}");
    }
}
