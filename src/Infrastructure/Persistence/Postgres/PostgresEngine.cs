using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Npgsql;

namespace Secrets.Infrastructure.Persistence.Postgres;

/// <summary>PostgreSQL, or what speaks its protocol, on a server of the operator's.</summary>
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
    }

    public static void Configure(DbContextOptionsBuilder options, string connectionString, ConnectionShare? share = null)
    {
        var connection = ConnectionText.Read(connectionString, Read, built => built.Host);
        connection.MaxPoolSize = share?.CountFor(connection.MaxPoolSize) ?? connection.MaxPoolSize;
        connection.MinPoolSize = Math.Min(connection.MinPoolSize, connection.MaxPoolSize);
        connection.ApplicationName = ConnectionShare.NameOf(share, connection.ApplicationName);

        // Whether the operator said something; ContainsKey is true of every setting that there is.
        if (!connection.ShouldSerialize("Max Auto Prepare"))
        {
            // The service sends a few dozen statements over and over: each is parsed and planned once per connection.
            connection.MaxAutoPrepare = 100;
        }

        if (!connection.ShouldSerialize("No Reset On Close"))
        {
            // The service leaves nothing behind in a session, and every use of one would pay for the statements that clean it.
            connection.NoResetOnClose = true;
        }

        if (!connection.ShouldSerialize("Options"))
        {
            // Every statement looks rows up by keys, whatever the values: planned anew each time, the larger ones cost more to plan than to run.
            connection.Options = "-c plan_cache_mode=force_generic_plan";
        }

        options.UseNpgsql(connection.ConnectionString, npgsql => npgsql.MigrationsHistoryTable("migrations"));
    }

    private static NpgsqlConnectionStringBuilder Read(string text)
    {
        // The driver says so only as it opens a pool, and by then the pools have been shared out.
        var connection = new NpgsqlConnectionStringBuilder(text);
        return connection.MinPoolSize <= connection.MaxPoolSize ? connection : throw new ArgumentException("More connections at least than at most.", nameof(text));
    }
}
