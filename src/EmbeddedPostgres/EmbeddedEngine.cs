using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Secrets.Infrastructure.Foundation;
using Secrets.Infrastructure.Persistence;
using Secrets.Infrastructure.Persistence.Postgres;

namespace Secrets.EmbeddedPostgres;

/// <summary>A PostgreSQL that the service runs by itself, for a laptop: nothing to install, nothing that listens on the network.</summary>
public sealed class EmbeddedEngine : IDatabaseEngine
{
    public string Name => "Embedded";

    public bool IsDefaultIn(IHostEnvironment environment) => !environment.IsProduction();

    public void Register(IServiceCollection services, IConfiguration configuration)
    {
        services.AddSettings<EmbeddedOptions>(EmbeddedOptions.Section)
            .PostConfigure<IHostEnvironment>((options, environment) => options.ContentRoot = environment.ContentRootPath);
        services.AddSingleton(provider => new EmbeddedServer(
            provider.GetRequiredService<IOptions<EmbeddedOptions>>().Value,
            provider.GetRequiredService<ILogger<EmbeddedServer>>(),
            provider.GetRequiredService<TimeProvider>()));
        services.AddSingleton<IDatabaseServer, DatabaseServer>();
        PostgresEngine.RegisterContext(services);
    }

    private sealed class DatabaseServer(EmbeddedServer postgres, IOptions<EmbeddedOptions> options) : IDatabaseServer
    {
        public string ConnectionString
        {
            get => field ?? throw new InvalidOperationException("The embedded database has not been started.");
            private set;
        }

        public bool IsPrivate => true;

        public string DefaultRootKeyFile => Path.Combine(options.Value.DataDirectoryPath(), "root.key");

        public string DefaultCheckpointFile => Path.Combine(options.Value.DataDirectoryPath(), "audit.checkpoint.json");

        public async Task StartAsync(CancellationToken cancellationToken) =>
            ConnectionString = await postgres.StartAsync(cancellationToken);

        public Task StopAsync(CancellationToken cancellationToken) => postgres.StopAsync(cancellationToken);
    }
}
