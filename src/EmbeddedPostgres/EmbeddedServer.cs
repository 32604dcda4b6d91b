using Microsoft.Extensions.Logging;
using Secrets.Infrastructure.Foundation;

namespace Secrets.EmbeddedPostgres;

/// <summary>
/// The PostgreSQL server of a laptop: made at the first start, run as a child of this process, started again when it dies, and shut
/// down cleanly at the end. On Unix it listens on a socket in a closed directory and nowhere else.
/// </summary>
internal sealed class EmbeddedServer(EmbeddedOptions options, ILogger<EmbeddedServer> logger, TimeProvider clock)
    : IAsyncDisposable
{
    private readonly SemaphoreSlim _gate = new(1, 1);
    private Running? _running;

    /// <summary>Starts the server and answers how to reach it. The database in the answer need not exist yet.</summary>
    /// <exception cref="StartupException">Something that a person must change.</exception>
    public async Task<string> StartAsync(CancellationToken cancellationToken)
    {
        await _gate.WaitAsync(cancellationToken);
        try
        {
            _running ??= await RunAsync(cancellationToken);
            return _running.ConnectionString;
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>Shuts the server down cleanly, within 15 seconds, or else at once. Cancelling is "at once".</summary>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        await _gate.WaitAsync(CancellationToken.None);
        try
        {
            if (_running is null)
            {
                return;
            }

            await _running.Server.LeaveAsync();
            try
            {
                await _running.Server.ShutDownAsync(cancellationToken);
            }
            finally
            {
                _running = null;
            }
        }
        finally
        {
            _gate.Release();
        }
    }

    // The gate is not disposed: it holds nothing that needs it, and stopping again must stay harmless.
    public async ValueTask DisposeAsync() => await StopAsync(CancellationToken.None);

    private async Task<Running> RunAsync(CancellationToken cancellationToken)
    {
        var setup = await new ServerPreparation(options, logger, clock).PrepareAsync(cancellationToken);
        var server = new SupervisedServer(setup, new ServerLauncher(options, logger, clock), logger, clock);
        try
        {
            var process = await server.LaunchPatientlyAsync(cancellationToken);
            var connectionString = await new ServiceRole(setup.Data, setup.Address).IdentifyAsync(cancellationToken);
            server.Supervise(process);
            return new Running(server, connectionString);
        }
        catch
        {
            await server.ShutDownAsync(CancellationToken.None);
            throw;
        }
    }

    private sealed record Running(SupervisedServer Server, string ConnectionString);
}
