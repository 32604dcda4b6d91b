using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Secrets.Infrastructure.Persistence;
using Secrets.Infrastructure.Persistence.Postgres;

namespace Secrets.EmbeddedPostgres;

/// <summary>A PostgreSQL server that the service runs itself, for development. It is not reachable over the network.</summary>
public sealed class EmbeddedEngine : IDatabaseEngine
{
    public string Name => "Embedded";

    public bool IsDefaultIn(IHostEnvironment environment) => !environment.IsProduction();

    public void Register(IServiceCollection services, IConfiguration configuration)
    {
        services.AddSettings<EmbeddedOptions>(EmbeddedOptions.Section)
            .PostConfigure<IHostEnvironment>((options, environment) => options.ContentRoot = environment.ContentRootPath);
        services.AddSingleton<IDatabaseServer>(provider => new EmbeddedServer(
            provider.GetRequiredService<IOptions<EmbeddedOptions>>().Value,
            provider.GetRequiredService<ILogger<EmbeddedServer>>(),
            provider.GetRequiredService<TimeProvider>()));
        PostgresEngine.RegisterContext(services);
    }
}
