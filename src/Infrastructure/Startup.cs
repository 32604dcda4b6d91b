using System.Reflection;
using Microsoft.Extensions.Hosting;
using Secrets.Infrastructure.Credentials.ApiKeys;
using Secrets.Infrastructure.Credentials.Tokens;
using Secrets.Infrastructure.Encryption;
using Secrets.Infrastructure.Encryption.RootKeys;
using Secrets.Infrastructure.Foundation;
using Secrets.Infrastructure.Persistence;

namespace Secrets.Infrastructure;

/// <summary>Prepares the service before the first request, in this order: database, schema, root key and the keys below it, first API key.</summary>
internal sealed partial class Startup(
    IDatabaseServer server, IServiceScopeFactory scopes, IHostEnvironment environment, ILogger<Startup> logger) : IHostedLifecycleService
{
    private static readonly string? Version = typeof(Startup).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion;

    public async Task StartingAsync(CancellationToken cancellationToken)
    {
        await server.StartAsync(cancellationToken);
        await using var scope = scopes.CreateAsyncScope();
        var services = scope.ServiceProvider;
        await services.GetRequiredService<StartupDatabase>().UseAsync(() => StartAsync(services, cancellationToken), cancellationToken);
    }

    public Task StoppedAsync(CancellationToken cancellationToken) => server.StopAsync(cancellationToken);

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    private async Task StartAsync(IServiceProvider services, CancellationToken cancellationToken)
    {
        await PrepareAsync(services, server, cancellationToken);
        var db = services.GetRequiredService<SecretsDbContext>();
        var database = db.Database.GetDbConnection();
        Starting(Version, database.DataSource, database.Database, services.GetRequiredService<RootKey>().Fingerprint);
        services.GetRequiredService<UserNames>().RequireSettings();
        await MakeFirstKeyAsync(services.GetRequiredService<FirstKey>(), cancellationToken);
        await db.WarmAsync(cancellationToken);
    }

    // In production nobody watches the terminal, so there the log only warns that no operator has a key.
    private async Task MakeFirstKeyAsync(FirstKey first, CancellationToken cancellationToken)
    {
        if (!environment.IsProduction())
        {
            if (await first.MakeIfMissingAsync(cancellationToken) is { } key)
            {
                // Print to the terminal. Logs are stored, and a stored log must not contain a key.
                await Console.Out.WriteLineAsync($"\nThe first API key, with every scope. It is not shown again:\n\n    {key}\n");
            }
        }
        else if (await first.IsMissingAsync(cancellationToken))
        {
            NoOperatorKey();
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Secrets {Version} starts with the database {Database} at {Server} and the root key {Fingerprint}")]
    private partial void Starting(string? version, string server, string database, string fingerprint);

    [LoggerMessage(Level = LogLevel.Warning, Message = "No operator has an API key. Run the command `keys create-first`, or set Auth:BootstrapKey.")]
    private partial void NoOperatorKey();

    /// <summary>Migrates an embedded database, checks the schema, and verifies root key, key ring and audit key.</summary>
    /// <exception cref="StartupException">A check failed.</exception>
    public static async Task PrepareAsync(IServiceProvider services, IDatabaseServer server, CancellationToken cancellationToken)
    {
        var schema = services.GetRequiredService<Schema>();
        if (server.IsPrivate)
        {
            await schema.MigrateAsync(createsDatabase: true, finishes: true, cancellationToken);
        }

        await schema.RequireCurrentAsync(cancellationToken);
        await services.GetRequiredService<RootKeyGuard>().LoadAsync(cancellationToken);
    }
}
