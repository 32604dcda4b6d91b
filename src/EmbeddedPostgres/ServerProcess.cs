using System.Diagnostics;
using Microsoft.Extensions.Logging;

namespace Secrets.EmbeddedPostgres;

/// <summary>One server process, from its launch to its end.</summary>
internal sealed partial class ServerProcess(Process process, ServerSetup setup, ServerOutput output, ILogger logger, TimeProvider clock) : IDisposable
{
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(15);

    /// <summary>The exit code; null where the system does not tell it.</summary>
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
                return null; // pg_ctl started the server, so it is not our child
            }
        }
    }

    /// <summary>Launches the server. It runs when this returns, and becomes ready later.</summary>
    /// <exception cref="StartupException">The server ended during its start.</exception>
    public static async Task<ServerProcess> LaunchAsync(ServerSetup setup, ILogger logger, TimeProvider clock, CancellationToken cancellationToken)
    {
        setup.Address.Sockets?.RemoveSocket();
        setup.Data.Log.Prune();
        var output = new ServerOutput(setup.Data);

        // In a session of its own: Ctrl+C in a terminal then reaches this process and not the database.
        var process = !setup.ThroughPgCtl && Command.Find("setsid") is { } setsid
            ? StartChild(setup.Account.Prefixed([setsid, setup.Binaries.Server, "-D", setup.Data.Cluster, .. setup.Arguments()]), output)
            : await StartThroughPgCtlAsync(setup, output, cancellationToken);
        return new ServerProcess(process, setup, output, logger, clock);
    }

    /// <summary>Waits until the server accepts connections.</summary>
    /// <exception cref="StartupException">The server ended first.</exception>
    public async Task WaitUntilReadyAsync(CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var since = clock.GetTimestamp();
        var logged = TimeSpan.Zero;
        while (PostmasterFile.TryRead(setup.Data.Cluster) is not { Ready: true } file || file.Pid != process.Id)
        {
            if (process.HasExited)
            {
                await process.WaitForExitAsync(cancellationToken); // for the rest of its output
                throw output.StartFailure();
            }

            // No time limit: after a crash the server replays its log first, and that always ends.
            var elapsed = clock.GetElapsedTime(since);
            if (elapsed - logged > TimeSpan.FromSeconds(10))
            {
                logged = elapsed;
                LogStillStarting(logger, (int)elapsed.TotalSeconds);
            }

            await Task.Delay(Poll, clock, cancellationToken);
        }

        LogReady(logger, process.Id);
    }

    public Task WaitForExitAsync(CancellationToken cancellationToken) => process.WaitForExitAsync(cancellationToken);

    /// <summary>Stops the server cleanly. After 15 seconds, or when cancelled, it is stopped immediately.</summary>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        if (process.HasExited)
        {
            return;
        }

        // pg_ctl signals whatever process the pid file names.
        if (PostmasterFile.TryRead(setup.Data.Cluster)?.Pid == process.Id)
        {
            try
            {
                if (await setup.PgCtl.StopAsync("fast", 15, cancellationToken) && await EndsAsync())
                {
                    LogStopped(logger);
                    return;
                }
            }
            catch (OperationCanceledException)
            {
                // The immediate stop follows.
            }

            if (await setup.PgCtl.StopAsync("immediate", 5, CancellationToken.None) && await EndsAsync())
            {
                return;
            }
        }

        LogKilled(logger, process.Id);
        process.Kill(entireProcessTree: true);
        await EndsAsync(); // has a time limit: a process that pg_ctl started stays visible until process 1 collects it
    }

    public void Dispose() => process.Dispose();

    private static Process StartChild(string[] command, ServerOutput output)
    {
        var start = Command.CreateStartInfo(command);
        start.RedirectStandardInput = true;
        start.RedirectStandardOutput = true;
        start.RedirectStandardError = true;
        var process = new Process { StartInfo = start };
        process.OutputDataReceived += (_, line) => output.Add(line.Data);
        process.ErrorDataReceived += (_, line) => output.Add(line.Data);
        process.Start();
        process.StandardInput.Close();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return process;
    }

    // On systems without setsid (Windows, macOS) pg_ctl makes the session. On Windows it also drops administrator rights, with which the server
    // refuses to run. Its output goes to a file: the server would inherit a pipe, and reading the pipe would not end.
    private static async Task<Process> StartThroughPgCtlAsync(ServerSetup setup, ServerOutput output, CancellationToken cancellationToken)
    {
        var file = Path.Combine(setup.Data.Log.Path, "start.txt");
        File.Delete(file);
        using var control = new Process { StartInfo = setup.PgCtl.DescribeStart(file, setup.Arguments()) };
        control.Start();
        try
        {
            await control.WaitForExitAsync(cancellationToken);
        }
        catch (OperationCanceledException)
        {
            control.Kill();
            if (PostmasterFile.TryRead(setup.Data.Cluster)?.FindProcess() is { } begun)
            {
                return begun; // so that the shutdown stops it; the wait until it is ready is cancelled
            }

            throw;
        }

        if (File.Exists(file))
        {
            output.Add(await File.ReadAllTextAsync(file, cancellationToken));
        }

        return (control.ExitCode == 0 ? PostmasterFile.TryRead(setup.Data.Cluster)?.FindProcess() : null) ?? throw output.StartFailure();
    }

    // pg_ctl waits until the pid file is gone. The server removes it a moment before it ends.
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

    [LoggerMessage(Level = LogLevel.Information, Message = "The embedded database has been starting for {Seconds} s. After a crash it replays its log first")]
    private static partial void LogStillStarting(ILogger logger, int seconds);

    [LoggerMessage(Level = LogLevel.Information, Message = "The embedded database is stopped")]
    private static partial void LogStopped(ILogger logger);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The embedded database (process {Pid}) did not stop in time and was killed. It recovers at its next start")]
    private static partial void LogKilled(ILogger logger, int pid);
}
