using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;
using Npgsql;
using OpenTelemetry.Metrics;
using OpenTelemetry.Trace;

namespace Secrets.Infrastructure.Persistence.Postgres;

/// <summary>PostgreSQL, or a database with its protocol, on the operator's server.</summary>
internal sealed class PostgresEngine : IDatabaseEngine
{
    public string Name => "Postgres";

    public bool IsDefaultIn(IHostEnvironment environment) => false;

    public void Register(IServiceCollection services, IConfiguration configuration)
    {
        services.AddSingleton<IDatabaseServer>(new ExternalServer(configuration));
        RegisterContext(services);
    }

    public static void RegisterContext(IServiceCollection services)
    {
        services.AddSingleton<IDatabaseFaults, PostgresFaults>();
        services.AddSingleton<INewSecretStore, PostgresNewSecretStore>();
        services.AddSingleton<IOwnerRows, PostgresOwnerRows>();
        services.AddSingleton<IAuditStore, PostgresAuditStore>();
        services.AddSingleton<IUseStore, PostgresUseStore>();
        services.AddContexts<PostgresSecretsDbContext>(Configure);

        // Without an exporter, these have no effect.
        services.ConfigureOpenTelemetryTracerProvider(traces => traces.AddNpgsql());
        services.ConfigureOpenTelemetryMeterProvider(metrics => metrics.AddNpgsqlInstrumentation());
    }

    public static void Configure(DbContextOptionsBuilder options, string connectionString, ConnectionShare? share = null)
    {
        var connection = ConnectionText.Read(connectionString, Read, built => built.Host);
        connection.MaxPoolSize = share?.CountFor(connection.MaxPoolSize) ?? connection.MaxPoolSize;
        connection.MinPoolSize = Math.Min(connection.MinPoolSize, connection.MaxPoolSize);
        connection.ApplicationName = ConnectionShare.NameOf(share, connection.ApplicationName);

        // ShouldSerialize tells whether the operator set a value. ContainsKey is true for every known setting.
        if (!connection.ShouldSerialize("Max Auto Prepare"))
        {
            // The service repeats a few dozen statements. Prepared, each is parsed and planned once for each connection.
            connection.MaxAutoPrepare = 100;
        }

        if (!connection.ShouldSerialize("No Reset On Close"))
        {
            // The service leaves no state in a session, so resetting it would cost every use of a connection.
            connection.NoResetOnClose = true;
        }

        if (!connection.ShouldSerialize("Options"))
        {
            // Every statement finds rows by keys, whatever the values. For large statements, planning costs more than running.
            connection.Options = "-c plan_cache_mode=force_generic_plan";
        }

        options.UseNpgsql(connection.ConnectionString, npgsql => npgsql.MigrationsHistoryTable("migrations"));
    }

    private static NpgsqlConnectionStringBuilder Read(string text)
    {
        // The driver checks this when it opens a pool, which is after the connections were divided.
        var connection = new NpgsqlConnectionStringBuilder(text);
        return connection.MinPoolSize <= connection.MaxPoolSize ? connection : throw new ArgumentException("The minimum pool size exceeds the maximum.", nameof(text));
    }
}
