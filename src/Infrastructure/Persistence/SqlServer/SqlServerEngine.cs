using System.Globalization;
using Microsoft.Data.SqlClient;
using Microsoft.EntityFrameworkCore.Migrations;
using Microsoft.EntityFrameworkCore.Query;
using Microsoft.EntityFrameworkCore.SqlServer.Update.Internal;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;
using OpenTelemetry.Metrics;
using OpenTelemetry.Trace;
using Secrets.Infrastructure.Foundation;

namespace Secrets.Infrastructure.Persistence.SqlServer;

/// <summary>SQL Server 2019 or later, Azure SQL, or a database with their protocol, on the operator's server.</summary>
internal sealed class SqlServerEngine : IDatabaseEngine
{
    /// <summary>
    /// Connections that stay open for requests, from the start on. The driver opens connections one after the other: a burst of requests would wait for many times
    /// the duration of a connect.
    /// </summary>
    internal const int WarmConnections = 10;

    public string Name => "SqlServer";

    public bool IsDefaultIn(IHostEnvironment environment) => false;

    public void Register(IServiceCollection services, IConfiguration configuration)
    {
        if (CultureInfo.GetCultures(CultureTypes.AllCultures).Length <= 1)
        {
            // Without this check, the driver would refuse every connection at run time.
            throw new StartupException(
                "The SQL Server driver needs the ICU libraries (Debian: libicu). Install them and unset DOTNET_SYSTEM_GLOBALIZATION_INVARIANT.");
        }

        services.AddSingleton<IDatabaseServer>(new ExternalServer(configuration));
        services.AddSingleton<IDatabaseFaults, SqlServerFaults>();
        services.AddSingleton<INewSecretStore, SqlServerNewSecretStore>();
        services.AddSingleton<IOwnerRows, SqlServerOwnerRows>();
        services.AddSingleton<IAuditStore, SqlServerAuditStore>();
        services.AddSingleton<IUseStore, SqlServerUseStore>();
        services.AddContexts<SqlServerSecretsDbContext>(Configure);

        // Without an exporter, these have no effect.
        services.ConfigureOpenTelemetryTracerProvider(traces => traces.AddSqlClientInstrumentation());
        services.ConfigureOpenTelemetryMeterProvider(metrics => metrics.AddSqlClientInstrumentation());
    }

    public static void Configure(DbContextOptionsBuilder options, string connectionString, ConnectionShare? share = null)
    {
        var connection = ConnectionText.Read(connectionString, Read, built => built.DataSource);
        connection.MaxPoolSize = share?.CountFor(connection.MaxPoolSize) ?? connection.MaxPoolSize;
        if (share is { IsForBatches: false } && !connection.ShouldSerialize("Min Pool Size"))
        {
            connection.MinPoolSize = WarmConnections;
        }

        connection.MinPoolSize = Math.Min(connection.MinPoolSize, connection.MaxPoolSize);

        // If unset, the property returns the driver's name and not null.
        connection.ApplicationName = ConnectionShare.NameOf(share, connection.ShouldSerialize("Application Name") ? connection.ApplicationName : null);

        if (!connection.ShouldSerialize("Pool Blocking Period"))
        {
            // By default, the pool stops trying for up to a minute after a failed connection. The service would answer 503 that long after its database
            // is back.
            connection.PoolBlockingPeriod = PoolBlockingPeriod.NeverBlock;
        }

        // Without EnableRetryOnFailure, which buffers every result in memory, even the whole audit. SqlServerSecretsDbContext retries whole transactions only.
        options.UseSqlServer(connection.ConnectionString, sqlServer => sqlServer.MigrationsHistoryTable("migrations"));
        options.ReplaceService<IQuerySqlGeneratorFactory, PlainSqlGenerator.Factory>();
#pragma warning disable EF1001 // As in OwnerKey.
        options.ReplaceService<ISqlServerUpdateSqlGenerator, OwnerKey.Updates>();
#pragma warning restore EF1001
        options.ReplaceService<IMigrationsSqlGenerator, OwnerKey.Migrations>();
        options.AddInterceptors(OpenTimeoutInterceptor.Instance, CancellationInterceptor.Instance);
    }

    private static SqlConnectionStringBuilder Read(string text)
    {
        // The builder accepts settings that exclude each other; a connection refuses them.
        using var connection = new SqlConnection(text);
        return new SqlConnectionStringBuilder(connection.ConnectionString);
    }
}
