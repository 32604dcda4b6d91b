namespace Secrets.TestKit;

/// <summary>Background work that repeats during a test until it is stopped.</summary>
public sealed class Load : IAsyncDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly List<Task> _loops = [];

    /// <summary>Starts a loop that repeats the work without pause.</summary>
    public void Add(Func<Task> work) => _loops.Add(Task.Run(async () =>
    {
        while (!_stop.IsCancellationRequested)
        {
            await work();
        }
    }));

    /// <summary>Stops all loops and waits for them. Their failures are thrown here.</summary>
    public async Task StopAsync()
    {
        await _stop.CancelAsync();
        await Task.WhenAll(_loops);
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        _stop.Dispose();
    }
}
