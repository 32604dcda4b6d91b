namespace Secrets.Infrastructure.Persistence;

/// <summary>The database server behind the service: one that runs elsewhere, or one that the service runs itself.</summary>
internal interface IDatabaseServer
{
    /// <summary>How to connect; known once <see cref="StartAsync"/> has ended.</summary>
    string ConnectionString { get; }

    /// <summary>
    /// Whether the server belongs to this one process. Then migrations are applied at start; else they are a step of their own, because
    /// other replicas may still run the version before.
    /// </summary>
    bool IsPrivate { get; }

    /// <summary>Where this server's root key is kept when the configuration names no file; null: the configuration must.</summary>
    string? DefaultRootKeyFile { get; }

    /// <summary>Where the checkpoint of the audit is kept when the configuration names no file; null: nowhere.</summary>
    string? DefaultCheckpointFile { get; }

    Task StartAsync(CancellationToken cancellationToken);

    Task StopAsync(CancellationToken cancellationToken);
}
