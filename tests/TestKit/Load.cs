namespace Secrets.TestKit;

/// <summary>Work that goes on beside a test, over and over, until it is stopped.</summary>
public sealed class Load : IAsyncDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly List<Task> _loops = [];

    /// <summary>Begins to do that, again as soon as it is done.</summary>
    public void Add(Func<Task> work) => _loops.Add(Task.Run(async () =>
    {
        while (!_stop.IsCancellationRequested)
        {
            await work();
        }
    }));

    /// <summary>Waits until all that was begun is done. What failed meanwhile fails here.</summary>
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
