using System.Collections.Concurrent;
using System.Text.RegularExpressions;
using Xunit;

namespace Secrets.TestKit;

/// <summary>
/// The service from start to end: in a separate process (<see cref="ServiceProcess"/>), or in the test process (<see cref="ServiceInProcess"/>). The
/// latter takes a tenth of the processor time.
/// </summary>
public abstract partial class RunningService : IAsyncDisposable
{
    protected static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly ConcurrentQueue<string> _lines = new();
    private readonly TaskCompletionSource<Uri> _address = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>The output of the service so far.</summary>
    public string Output => string.Join('\n', _lines);

    /// <summary>Whether the service has ended.</summary>
    protected abstract bool HasEnded { get; }

    /// <summary>Waits until the service accepts requests, and returns its address.</summary>
    public async Task<Uri> AddressAsync()
    {
        var patience = await TestDatabase.IsBabelfishAsync() ? 3 * Patience : Patience;
        var first = await Task.WhenAny(_address.Task, EndAsync(), Task.Delay(patience));
        if (first == _address.Task)
        {
            return await _address.Task;
        }

        throw new InvalidOperationException($"The service did not start:\n{Output}", first.Exception);
    }

    /// <summary>A client of this service.</summary>
    public async Task<ApiClient> ClientAsync(string key)
    {
        var http = new HttpClient { BaseAddress = await AddressAsync() };
        http.DefaultRequestHeaders.Add("x-api-key", key);
        return new ApiClient(http) { Key = key };
    }

    /// <summary>Waits until the service ends by itself, and returns its exit code.</summary>
    public Task<int> ExitCodeAsync() => EndAsync().WaitAsync(Patience);

    /// <summary>Asks the service to stop, as a service manager does, and returns its exit code.</summary>
    public async Task<int> StopAsync()
    {
        await AskToStopAsync();
        return await ExitCodeAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (!HasEnded)
        {
            await StopAsync();
        }

        // The report of a failed test shows these lines. Earlier lines at level Information are left out: under load, each request writes one.
        var recent = _lines.Count - 50;
        var lines = _lines.Where((line, at) => at >= recent || !line.Contains("\"Level\":\"Information\"", StringComparison.Ordinal)).TakeLast(200);
        TestContext.Current.TestOutputHelper?.WriteLine(string.Join('\n', lines));
        Release();
        GC.SuppressFinalize(this);
    }

    /// <summary>The exit code after the end of the service.</summary>
    protected abstract Task<int> EndAsync();

    protected abstract Task AskToStopAsync();

    protected abstract void Release();

    /// <summary>Adds a line to the output.</summary>
    protected void Keep(string? line)
    {
        if (line is null)
        {
            return;
        }

        _lines.Enqueue(line);
        if (Listening().Match(line) is { Success: true } match)
        {
            _address.TrySetResult(new Uri(match.Groups["url"].Value));
        }
    }

    [GeneratedRegex("Now listening on.*?(?<url>https?://[0-9.:]+)")]
    private static partial Regex Listening();
}
