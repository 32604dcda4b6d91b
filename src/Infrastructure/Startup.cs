using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Secrets.Infrastructure.Credentials.ApiKeys;
using Secrets.Infrastructure.Credentials.Tokens;
using Secrets.Infrastructure.Encryption.RootKeys;
using Secrets.Infrastructure.Foundation;
using Secrets.Infrastructure.Persistence;

namespace Secrets.Infrastructure;

/// <summary>What must hold before the first request: database, schema, the root key and the keys below it, a key to come in with. In this order.</summary>
internal sealed partial class Startup(IDatabaseServer server, IServiceScopeFactory scopes, IHostEnvironment environment, ILogger<Startup> logger) : IHostedLifecycleService
{
    public async Task StartingAsync(CancellationToken cancellationToken)
    {
        await server.StartAsync(cancellationToken);
        await using var scope = scopes.CreateAsyncScope();
        var services = scope.ServiceProvider;
        await services.GetRequiredService<StartupDatabase>().UseAsync(async () =>
        {
            await PrepareAsync(services, server, cancellationToken);
            services.GetRequiredService<UserNames>().RequireSettings();
            await MakeFirstKeyAsync(services.GetRequiredService<BootstrapKey>(), cancellationToken);
        });
    }

    public Task StoppedAsync(CancellationToken cancellationToken) => server.StopAsync(cancellationToken);

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Outside of production, where whoever starts the service also looks at what it prints.</summary>
    private async Task MakeFirstKeyAsync(BootstrapKey first, CancellationToken cancellationToken)
    {
        if (!environment.IsProduction())
        {
            if (await first.MakeIfMissingAsync(cancellationToken) is { } key)
            {
                // To the terminal and not to the log: a log is kept.
                await Console.Out.WriteLineAsync($"\nThe first API key, with every scope. It is shown this once:\n\n    {key}\n");
            }
        }
        else if (await first.IsMissingAsync(cancellationToken))
        {
            NobodyCanManage();
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "There is no API key of an operator. Make one with the command `keys create-first`, or set Auth:BootstrapKey.")]
    private partial void NobodyCanManage();

    /// <summary>Sees that database, schema, root key, key ring and the audit's key are as they must be.</summary>
    /// <exception cref="StartupException">They are not.</exception>
    public static async Task PrepareAsync(IServiceProvider services, IDatabaseServer server, CancellationToken cancellationToken)
    {
        var schema = services.GetRequiredService<Schema>();
        if (server.IsPrivate)
        {
            await schema.MigrateAsync(cancellationToken);
        }

        await schema.RequireCurrentAsync(cancellationToken);
        await services.GetRequiredService<RootKeyGuard>().LoadAsync(cancellationToken);
    }
}
