using Microsoft.Extensions.Logging;

namespace Secrets.EmbeddedPostgres;

/// <summary>Launches the server, restarts it after growing pauses when it dies, and stops it.</summary>
internal sealed partial class Supervisor(ServerSetup setup, ILogger logger, TimeProvider clock) : IDisposable
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(5);

    /// <summary>A server that ran longer gets the first pause again.</summary>
    private static readonly TimeSpan Settled = TimeSpan.FromSeconds(30);

    private readonly CancellationTokenSource _stopping = new();
    private ServerSetup _setup = setup;
    private ServerProcess? _server; // the latest launch; null before the first one and after a launch that made no process
    private Task _supervision = Task.CompletedTask;

    /// <summary>Launches the server and waits until it is ready. Retries while sessions of a killed server still end.</summary>
    public async Task<ServerProcess> LaunchAsync(CancellationToken cancellationToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                return await LaunchOnceAsync(cancellationToken);
            }
            catch (StartupException exception) when (attempt < 20 && exception.Message.Contains("shared memory block", StringComparison.Ordinal))
            {
                // Sessions of a killed server end by themselves within moments. Until then PostgreSQL refuses to start.
                await Task.Delay(TimeSpan.FromMilliseconds(500), clock, cancellationToken);
            }
        }
    }

    /// <summary>Restarts the server from now on when it dies.</summary>
    public void Watch(ServerProcess server) => _supervision = WatchAsync(server, _stopping.Token);

    /// <summary>Stops the server for good and releases its data directory.</summary>
    public async Task ShutDownAsync(CancellationToken cancellationToken)
    {
        try
        {
            await _stopping.CancelAsync();
            await _supervision;
            if (_server is not null)
            {
                await _server.StopAsync(cancellationToken);
            }
        }
        finally
        {
            Dispose();
        }
    }

    public void Dispose()
    {
        _server?.Dispose();
        _stopping.Dispose();
        _setup.Data.Dispose();
    }

    private async Task<ServerProcess> LaunchOnceAsync(CancellationToken cancellationToken)
    {
        _server?.Dispose();
        _server = null;
        _server = await ServerProcess.LaunchAsync(_setup, logger, clock, cancellationToken);
        await _server.WaitUntilReadyAsync(cancellationToken);
        return _server;
    }

    private async Task WatchAsync(ServerProcess server, CancellationToken stopping)
    {
        var pause = FirstPause;
        try
        {
            while (true)
            {
                var since = clock.GetTimestamp();
                await WaitForEndAsync(server, stopping);
                if (clock.GetElapsedTime(since) > Settled)
                {
                    pause = FirstPause;
                }

                LogDied(logger, server.ExitCode);

                ServerProcess? next;
                do
                {
                    await Task.Delay(pause, clock, stopping);
                    pause = pause * 2 < LongestPause ? pause * 2 : LongestPause;
                    next = await TryLaunchAsync(stopping);
                }
                while (next is null);

                server = next;
            }
        }
        catch (OperationCanceledException)
        {
            // ShutDownAsync ends the watch.
        }
    }

    private async Task WaitForEndAsync(ServerProcess server, CancellationToken stopping)
    {
        var end = server.WaitForExitAsync(stopping);
        using var hourly = new PeriodicTimer(TimeSpan.FromHours(1), clock);
        while (true)
        {
            var tick = hourly.WaitForNextTickAsync(stopping).AsTask();
            if (await Task.WhenAny(end, tick) == end)
            {
                await end;
                return;
            }

            await tick;
            _setup.Data.Log.Prune();
        }
    }

    private async Task<ServerProcess?> TryLaunchAsync(CancellationToken stopping)
    {
        try
        {
            var leftover = new LeftoverServer(_setup.Data.Cluster, _setup.Binaries, logger, clock);
            _setup = _setup with { Account = await leftover.RemoveAsync(_setup.Account, stopping) };
            return await LaunchOnceAsync(stopping);
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            LogRestartFailed(logger, exception.Message);
            return null;
        }
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "The embedded database ended unexpectedly (exit code {ExitCode}). Restarting it")]
    private static partial void LogDied(ILogger logger, int? exitCode);

    [LoggerMessage(Level = LogLevel.Error, Message = "Restarting the embedded database failed and will be retried: {Reason}")]
    private static partial void LogRestartFailed(ILogger logger, string reason);
}
