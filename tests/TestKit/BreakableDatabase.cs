using Microsoft.Data.SqlClient;
using Npgsql;

namespace Secrets.TestKit;

/// <summary>
/// An installation whose database a test breaks. On PostgreSQL the test has its own server. A SQL Server is shared, so only the database goes offline.
/// That needs the rights of the database's owner and <c>ALTER ANY CONNECTION</c>.
/// </summary>
public sealed class BreakableDatabase : IAsyncDisposable
{
    private readonly PostgresServer? _server;
    private readonly string _name;
    private readonly string _administration;

    private BreakableDatabase(PostgresServer? server, Installation installation)
    {
        _server = server;
        Installation = installation;
        (_name, _administration) = TestDatabase.IsSqlServer ? OnSqlServer(installation.ConnectionString) : OnPostgres(installation.ConnectionString);
    }

    /// <summary>The installation that uses the database.</summary>
    public Installation Installation { get; }

    /// <summary>A new database. PostgreSQL runs with fsync, because tests check durability after a crash.</summary>
    public static async Task<BreakableDatabase> NewAsync()
    {
        var server = TestDatabase.IsSqlServer
            ? null
            : await PostgresServer.StartAsync(new Dictionary<string, string>(StringComparer.Ordinal) { ["fsync"] = "on" });
        var installation = server is null ? await Installation.NewAsync() : new Installation(server);
        await installation.MakeAsync();
        return new BreakableDatabase(server, installation);
    }

    /// <summary>Ends every session of the database. On PostgreSQL only the sessions of the service's role: only a superuser may end an autovacuum worker.</summary>
    public Task EndSessionsAsync() => RunAsync(Sql.Of(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND usename = current_user AND pid <> pg_backend_pid()",
        $"""
        DECLARE @session int = 0, @kill nvarchar(20);
        WHILE @session IS NOT NULL
        BEGIN
            SELECT @session = MIN(session_id) FROM sys.dm_exec_sessions
            WHERE database_id = DB_ID(N'{_name}') AND is_user_process = 1 AND session_id > @session;
            SET @kill = CONCAT(N'KILL ', @session);
            BEGIN TRY
                IF @session IS NOT NULL EXEC (@kill);
            END TRY
            BEGIN CATCH
                SET @kill = NULL; -- it ended by itself
            END CATCH;
        END;
        """));

    /// <summary>Makes the database read-only.</summary>
    public async Task BeReadOnlyAsync()
    {
        await RunAsync(Sql.Of(
            $"ALTER DATABASE {_name} SET default_transaction_read_only = on", $"ALTER DATABASE {_name} SET READ_ONLY WITH ROLLBACK IMMEDIATE"));
        await EndSessionsAsync();
    }

    /// <summary>Undoes <see cref="BeReadOnlyAsync"/>.</summary>
    public async Task BeWritableAsync()
    {
        await RunAsync(Sql.Of(
            $"ALTER DATABASE {_name} RESET default_transaction_read_only", $"ALTER DATABASE {_name} SET READ_WRITE WITH ROLLBACK IMMEDIATE"));
        await EndSessionsAsync();
    }

    /// <summary>Makes the database unavailable immediately: kill -9 of the server, or the database goes offline.</summary>
    public Task VanishAsync()
    {
        var offline = Sql.Of("SELECT 1", $"ALTER DATABASE {_name} SET OFFLINE WITH ROLLBACK IMMEDIATE");
        if (_server is null)
        {
            return RunAsync(offline);
        }

        _server.Kill();
        return Task.CompletedTask;
    }

    /// <summary>Undoes <see cref="VanishAsync"/>. A killed server starts again by itself.</summary>
    public Task ReturnAsync()
    {
        var online = Sql.Of("SELECT 1", $"ALTER DATABASE {_name} SET ONLINE");
        return _server is null ? RunAsync(online) : Task.CompletedTask;
    }

    public async ValueTask DisposeAsync()
    {
        if (_server is not null)
        {
            await _server.DisposeAsync();
        }

        Installation.Dispose();
    }

    private static (string Name, string Administration) OnPostgres(string connectionString)
    {
        // This connection may write even while the database is read-only.
        var direct = new NpgsqlConnectionStringBuilder(connectionString) { Pooling = false, Options = "-c default_transaction_read_only=off" };
        return (direct.Database!, direct.ConnectionString);
    }

    private static (string Name, string Administration) OnSqlServer(string connectionString)
    {
        // The database may have no open session, so connect to another one.
        var direct = new SqlConnectionStringBuilder(connectionString) { Pooling = false };
        var name = direct.InitialCatalog;
        direct.InitialCatalog = "master";
        return (name, direct.ConnectionString);
    }

    // Retries if a session connected before the statement locked the database, or ended before it was killed (Babelfish does not catch that error).
    private Task RunAsync(Sql sql) => SqlServerInstance.AgainWhileAsync(
        () => TestDatabase.RunAsync(_administration, sql, [], command => command.ExecuteNonQueryAsync()),
        exception => exception is SqlException fault
            && (fault.Number is 5061 or 5070 or 1205 || fault.Message.Contains("is not an active process ID", StringComparison.Ordinal)));
}
