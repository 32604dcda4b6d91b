using Microsoft.Extensions.Logging;
using Secrets.Infrastructure.Foundation;

namespace Secrets.EmbeddedPostgres;

/// <summary>A server that is started again when it dies, after pauses that grow.</summary>
internal sealed partial class SupervisedServer(ServerSetup setup, ServerLauncher launcher, ILogger logger, TimeProvider clock)
    : IDisposable
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Settled = TimeSpan.FromSeconds(30);

    private readonly CancellationTokenSource _stopping = new();
    private ServerSetup _setup = setup;
    private ServerProcess? _server; // the latest; none before the first launch, and after one that made no process
    private Task _supervision = Task.CompletedTask;

    /// <summary>Launches the server and waits until it is ready.</summary>
    public async Task<ServerProcess> LaunchPatientlyAsync(CancellationToken cancellationToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                return await LaunchAsync(cancellationToken);
            }
            catch (StartupException exception) when (
                attempt < 20 && exception.Message.Contains("shared memory block", StringComparison.Ordinal))
            {
                // Sessions of a server that was killed end by themselves within moments; until then it is not safe to start.
                await Task.Delay(TimeSpan.FromMilliseconds(500), clock, cancellationToken);
            }
        }
    }

    /// <summary>From here on it is started again when it dies.</summary>
    public void Supervise(ServerProcess server) => _supervision = SuperviseAsync(server, _stopping.Token);

    /// <summary>It is not started again from here on.</summary>
    public async Task LeaveAsync()
    {
        await _stopping.CancelAsync();
        await _supervision;
    }

    /// <summary>Stops the server and lets go of its data directory.</summary>
    public async Task ShutDownAsync(CancellationToken cancellationToken)
    {
        try
        {
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

    private async Task<ServerProcess> LaunchAsync(CancellationToken cancellationToken)
    {
        _server?.Dispose();
        _server = null;
        _server = await launcher.LaunchAsync(_setup, cancellationToken);
        await _server.WaitUntilReadyAsync(cancellationToken);
        return _server;
    }

    private async Task SuperviseAsync(ServerProcess server, CancellationToken stopping)
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
            // stopped
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
            return await LaunchAsync(stopping);
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            LogDidNotComeBack(logger, exception.Message);
            return null;
        }
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "The embedded database ended unexpectedly (exit code {ExitCode}): starting it again")]
    private static partial void LogDied(ILogger logger, int? exitCode);

    [LoggerMessage(Level = LogLevel.Error, Message = "The embedded database did not come back, and will be tried again: {Reason}")]
    private static partial void LogDidNotComeBack(ILogger logger, string reason);
}
