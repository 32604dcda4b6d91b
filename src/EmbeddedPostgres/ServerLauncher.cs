using System.Diagnostics;
using Microsoft.Extensions.Logging;
using Secrets.Infrastructure.Foundation;

namespace Secrets.EmbeddedPostgres;

/// <summary>Launches the server, in a session of its own.</summary>
internal sealed class ServerLauncher(EmbeddedOptions options, ILogger logger, TimeProvider clock)
{
    /// <summary>The server, which runs and is not ready yet.</summary>
    /// <exception cref="StartupException">It ended at once.</exception>
    public async Task<ServerProcess> LaunchAsync(ServerSetup setup, CancellationToken cancellationToken)
    {
        setup.Address.Sockets?.RemoveStale();
        setup.Data.Log.Prune();
        var output = new ServerOutput(setup.Data);

        // In a session of its own, so that Ctrl+C in a terminal reaches this process and not the database below it.
        var process = !options.ThroughControl && Command.Find("setsid") is { } setsid
            ? StartChild(
                setup.Account.Prefixed([setsid, setup.Binaries.Server, "-D", setup.Data.Cluster, .. setup.Arguments()]), output)
            : await StartThroughControlAsync(setup, output, cancellationToken);
        return new ServerProcess(process, setup, output, logger, clock);
    }

    private static Process StartChild(string[] command, ServerOutput output)
    {
        var start = Command.Describe(command);
        start.RedirectStandardInput = true;
        start.RedirectStandardOutput = true;
        start.RedirectStandardError = true;
        var process = new Process { StartInfo = start };
        process.OutputDataReceived += (_, line) => output.Remember(line.Data);
        process.ErrorDataReceived += (_, line) => output.Remember(line.Data);
        process.Start();
        process.StandardInput.Close();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return process;
    }

    // Where there is no setsid program (Windows, macOS), pg_ctl makes the session; on Windows it also drops administrator rights,
    // with which the server refuses to run. Its output is not read: the server would inherit the pipe, and reading would not end.
    private static async Task<Process> StartThroughControlAsync(
        ServerSetup setup, ServerOutput output, CancellationToken cancellationToken)
    {
        var file = Path.Combine(setup.Data.Log.Path, "start.txt");
        File.Delete(file);
        var start = setup.Control.DescribeStart(file, setup.Arguments());
        using var control = new Process { StartInfo = start };
        control.Start();
        try
        {
            await control.WaitForExitAsync(cancellationToken);
        }
        catch (OperationCanceledException)
        {
            control.Kill();
            if (PostmasterFile.TryRead(setup.Data.Cluster)?.Alive() is { } begun)
            {
                return begun; // for the shutdown that follows: waiting until it is ready is cancelled at once
            }

            throw;
        }

        if (File.Exists(file))
        {
            output.Remember(await File.ReadAllTextAsync(file, cancellationToken));
        }

        return (control.ExitCode == 0 ? PostmasterFile.TryRead(setup.Data.Cluster)?.Alive() : null) ?? throw output.DidNotStart();
    }
}
