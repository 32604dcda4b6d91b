namespace Secrets.Infrastructure.Persistence;

/// <summary>The database server, which runs elsewhere or is run by the service.</summary>
internal interface IDatabaseServer
{
    /// <summary>The connection string. Available after <see cref="StartAsync"/>.</summary>
    string ConnectionString { get; }

    /// <summary>
    /// Whether only this process uses the server. The start then applies migrations. On a shared server they are a separate step, because other replicas
    /// may still run the former version.
    /// </summary>
    bool IsPrivate { get; }

    /// <summary>The default file of the root key; null if the configuration must name one.</summary>
    string? DefaultRootKeyFile { get; }

    /// <summary>The default file of the audit checkpoint; null for none.</summary>
    string? DefaultCheckpointFile { get; }

    Task StartAsync(CancellationToken cancellationToken);

    Task StopAsync(CancellationToken cancellationToken);
}
