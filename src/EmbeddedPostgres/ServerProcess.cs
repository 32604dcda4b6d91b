using System.Diagnostics;
using Microsoft.Extensions.Logging;

namespace Secrets.EmbeddedPostgres;

/// <summary>One server process, from its launch to its end.</summary>
internal sealed partial class ServerProcess(
    Process process, ServerSetup setup, ServerOutput output, ILogger logger, TimeProvider clock) : IDisposable
{
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(15);

    /// <summary>How it ended, where that is known.</summary>
    public int? ExitCode
    {
        get
        {
            try
            {
                return process.ExitCode;
            }
            catch (InvalidOperationException)
            {
                return null; // not our child: pg_ctl started it
            }
        }
    }

    public async Task WaitUntilReadyAsync(CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var since = clock.GetTimestamp();
        var told = TimeSpan.Zero;
        while (PostmasterFile.TryRead(setup.Data.Cluster) is not { Ready: true } file || file.Pid != process.Id)
        {
            if (process.HasExited)
            {
                await process.WaitForExitAsync(cancellationToken); // and the rest of its output
                throw output.DidNotStart();
            }

            // After a crash the server replays its log before it is ready; that ends by itself, however long it takes.
            var elapsed = clock.GetElapsedTime(since);
            if (elapsed - told > TimeSpan.FromSeconds(10))
            {
                told = elapsed;
                LogStillStarting(logger, (int)elapsed.TotalSeconds);
            }

            await Task.Delay(Poll, clock, cancellationToken);
        }

        LogReady(logger, process.Id);
    }

    public Task WaitForExitAsync(CancellationToken cancellationToken) => process.WaitForExitAsync(cancellationToken);

    /// <summary>Cleanly, within 15 seconds, or else at once. Cancelling is "at once".</summary>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        if (process.HasExited)
        {
            return;
        }

        // pg_ctl signals whatever number the file holds, so the file is asked first.
        if (PostmasterFile.TryRead(setup.Data.Cluster)?.Pid == process.Id)
        {
            try
            {
                if (await setup.Control.StopAsync("fast", 15, cancellationToken) && await EndsAsync())
                {
                    LogStopped(logger);
                    return;
                }
            }
            catch (OperationCanceledException)
            {
                // at once, then
            }

            if (await setup.Control.StopAsync("immediate", 5, CancellationToken.None) && await EndsAsync())
            {
                return;
            }
        }

        LogKilled(logger, process.Id);
        process.Kill(entireProcessTree: true);
        await EndsAsync(); // not without bound: one that pg_ctl started stays visible until process 1 collects it
    }

    public void Dispose() => process.Dispose();

    // pg_ctl waits for the pid file to go, which the server removes a moment before it ends.
    private async Task<bool> EndsAsync()
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(3), clock);
        try
        {
            await process.WaitForExitAsync(limit.Token);
            return true;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "The embedded database is ready (process {Pid})")]
    private static partial void LogReady(ILogger logger, int pid);

    [LoggerMessage(Level = LogLevel.Information, Message = "The embedded database has been starting for {Seconds} s (it may be replaying its log after a crash)")]
    private static partial void LogStillStarting(ILogger logger, int seconds);

    [LoggerMessage(Level = LogLevel.Information, Message = "The embedded database is stopped")]
    private static partial void LogStopped(ILogger logger);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The embedded database (process {Pid}) did not stop in time and was killed; it recovers at its next start")]
    private static partial void LogKilled(ILogger logger, int pid);
}
