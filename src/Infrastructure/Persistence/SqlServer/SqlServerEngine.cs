using System.Globalization;
using Microsoft.Data.SqlClient;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Secrets.Infrastructure.Foundation;

namespace Secrets.Infrastructure.Persistence.SqlServer;

/// <summary>SQL Server 2019 or later, Azure SQL, or what speaks their protocol, on a server of the operator's.</summary>
internal sealed class SqlServerEngine : IDatabaseEngine
{
    public string Name => "SqlServer";

    public bool IsDefaultIn(IHostEnvironment environment) => false;

    public void Register(IServiceCollection services, IConfiguration configuration)
    {
        if (CultureInfo.GetCultures(CultureTypes.AllCultures).Length <= 1)
        {
            // The driver would refuse every connection, and say so in each request.
            throw new StartupException(
                "The driver of SQL Server needs the ICU libraries (Debian: libicu). Install them and unset DOTNET_SYSTEM_GLOBALIZATION_INVARIANT.");
        }

        services.AddSingleton<IDatabaseServer>(new ExternalServer(configuration));
        services.AddSingleton<IDatabaseFaults, SqlServerFaults>();
        services.AddSingleton<INewSecretStore, SqlServerNewSecretStore>();
        services.AddSingleton<IOwnerRows, SqlServerOwnerRows>();
        services.AddSingleton<IAuditStore, SqlServerAuditStore>();
        services.AddSingleton<IUseStore, SqlServerUseStore>();
        services.AddContexts<SqlServerSecretsDbContext>(Configure);
    }

    public static void Configure(DbContextOptionsBuilder options, string connectionString, ConnectionShare? share = null)
    {
        var connection = ConnectionText.Read(connectionString, Read, built => built.DataSource);
        connection.MaxPoolSize = share?.CountFor(connection.MaxPoolSize) ?? connection.MaxPoolSize;
        connection.MinPoolSize = Math.Min(connection.MinPoolSize, connection.MaxPoolSize);

        // Unset, it is the driver's name and not null.
        connection.ApplicationName = ConnectionShare.NameOf(share, connection.ShouldSerialize("Application Name") ? connection.ApplicationName : null);

        if (!connection.ShouldSerialize("Pool Blocking Period"))
        {
            // After a connection that could not be opened the pool would refuse to try for five seconds, then ten, up to a minute: that long
            // the service would answer 503 after its database was back.
            connection.PoolBlockingPeriod = PoolBlockingPeriod.NeverBlock;
        }

        // Without EnableRetryOnFailure, which would hold every result in memory as a whole, the audit too: only whole transactions are
        // run again (SqlServerSecretsDbContext).
        options.UseSqlServer(connection.ConnectionString, sqlServer => sqlServer.MigrationsHistoryTable("migrations"));
        options.AddInterceptors(OpeningLimit.Instance, GivenUp.Instance);
    }

    private static SqlConnectionStringBuilder Read(string text)
    {
        // The builder takes settings that exclude each other; a connection does not.
        using var connection = new SqlConnection(text);
        return new SqlConnectionStringBuilder(connection.ConnectionString);
    }
}
