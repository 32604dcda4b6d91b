using Microsoft.Extensions.Logging;
using Secrets.Infrastructure.Persistence;

namespace Secrets.EmbeddedPostgres;

/// <summary>
/// The embedded PostgreSQL server: created at the first start, run as a child of this process, restarted when it dies, shut down with the service.
/// On Unix it listens only on a socket, in a directory that is closed to other accounts.
/// </summary>
internal sealed class EmbeddedServer(EmbeddedOptions options, ILogger<EmbeddedServer> logger, TimeProvider clock) : IDatabaseServer, IAsyncDisposable
{
    private readonly SemaphoreSlim _gate = new(1, 1);
    private Supervisor? _supervisor;

    public string ConnectionString
    {
        get => field ?? throw new InvalidOperationException("The embedded database has not been started.");
        private set;
    }

    public bool IsPrivate => true;

    public string DefaultRootKeyFile => Path.Combine(options.DataDirectoryPath(), "root.key");

    public string DefaultCheckpointFile => Path.Combine(options.DataDirectoryPath(), "audit.checkpoint.json");

    /// <summary>Starts the server, unless it runs already.</summary>
    /// <returns>The connection string. It names a database that may not exist yet.</returns>
    /// <exception cref="StartupException">The server cannot run until a person changes something; the message says what.</exception>
    public async Task<string> StartAsync(CancellationToken cancellationToken)
    {
        await _gate.WaitAsync(cancellationToken);
        try
        {
            if (_supervisor is null)
            {
                (_supervisor, ConnectionString) = await RunAsync(cancellationToken);
            }

            return ConnectionString;
        }
        finally
        {
            _gate.Release();
        }
    }

    Task IDatabaseServer.StartAsync(CancellationToken cancellationToken) => StartAsync(cancellationToken);

    /// <summary>Shuts the server down cleanly. After 15 seconds, or when cancelled, it is stopped immediately.</summary>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        await _gate.WaitAsync(CancellationToken.None);
        try
        {
            if (_supervisor is { } supervisor)
            {
                _supervisor = null;
                await supervisor.ShutDownAsync(cancellationToken);
            }
        }
        finally
        {
            _gate.Release();
        }
    }

    // The gate is not disposed: it holds no resource, and a second stop must stay harmless.
    public async ValueTask DisposeAsync() => await StopAsync(CancellationToken.None);

    private async Task<(Supervisor Supervisor, string ConnectionString)> RunAsync(CancellationToken cancellationToken)
    {
        var setup = await ServerPreparation.PrepareAsync(options, logger, clock, cancellationToken);
        var supervisor = new Supervisor(setup, logger, clock);
        try
        {
            var process = await supervisor.LaunchAsync(cancellationToken);
            var connectionString = await new ServiceRole(setup.Data, setup.Address).EnsureAsync(cancellationToken);
            supervisor.Watch(process);
            return (supervisor, connectionString);
        }
        catch
        {
            await supervisor.ShutDownAsync(CancellationToken.None);
            throw;
        }
    }
}
