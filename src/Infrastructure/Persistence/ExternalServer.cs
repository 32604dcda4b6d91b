using Microsoft.Extensions.Configuration;
using Secrets.Infrastructure.Foundation;

namespace Secrets.Infrastructure.Persistence;

/// <summary>A database server that the operator runs, at the address in <c>ConnectionStrings:Secrets</c>.</summary>
internal sealed class ExternalServer(IConfiguration configuration) : IDatabaseServer
{
    public string ConnectionString => configuration.GetConnectionString("Secrets") is { Length: > 0 } text
        ? text
        : throw new StartupException("Set ConnectionStrings:Secrets (environment: ConnectionStrings__Secrets) to the database's connection string.");

    public bool IsPrivate => false;

    public string? DefaultRootKeyFile => null;

    public string? DefaultCheckpointFile => null;

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
