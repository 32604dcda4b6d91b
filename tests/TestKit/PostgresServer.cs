using System.Diagnostics;
using System.Globalization;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using Secrets.EmbeddedPostgres;
using Secrets.Infrastructure.Persistence.Postgres;

namespace Secrets.TestKit;

/// <summary>
/// A temporary PostgreSQL server: one for each test process (<see cref="SharedAsync"/>), or one for a single test (<see cref="StartAsync"/>).
/// <c>SECRETS_TEST_POSTGRES</c> replaces the shared server: a connection string whose role may create databases.
/// </summary>
public sealed class PostgresServer : IAsyncDisposable
{
    public const string Override = "SECRETS_TEST_POSTGRES";

    // The standard input of the guard closes when the test process ends or is killed. The guard then ends the server and removes its directory. It first
    // checks the working directory of the process, because the process id may belong to another process by then.
    private const string Guard =
        """
        cat > /dev/null
        [ -d "$1" ] || exit 0
        pid=$(head -n 1 "$1/pgdata/postmaster.pid" 2> /dev/null)
        if [ -n "$pid" ] && { [ ! -d /proc/self ] || [ "$(readlink "/proc/$pid/cwd")" = "$(readlink -f "$1/pgdata")" ]; }; then
          kill -QUIT "$pid"
          sleep 1
        fi
        rm -rf -- "$1"
        """;

    private static readonly Lazy<Task<PostgresServer>> Shared = new(StartSharedAsync);

    private readonly Lazy<Task<string>> _template;

    private readonly EmbeddedServer? _server;
    private readonly string? _directory;
    private readonly Process? _guard;
    private readonly string _connectionString;
    private int _disposed;

    private PostgresServer(string connectionString, EmbeddedServer? server = null, string? directory = null, Process? guard = null)
    {
        _connectionString = connectionString;
        _server = server;
        _directory = directory;
        _guard = guard;
        _template = new Lazy<Task<string>>(MakeTemplateAsync);
    }

    /// <summary>The server of this test process. The first caller starts it; it ends with the process.</summary>
    public static Task<PostgresServer> SharedAsync() => Shared.Value;

    /// <summary>A separate server for a test that stops or breaks it.</summary>
    /// <param name="settings">Settings in addition to ours. Ours trade durability for speed; <c>fsync=on</c> restores it.</param>
    public static async Task<PostgresServer> StartAsync(IReadOnlyDictionary<string, string>? settings = null)
    {
        var directory = Directory.CreateTempSubdirectory("secrets-test-").FullName;
        var options = new EmbeddedOptions { DataDirectory = directory, ThrowAway = true };
        options.Settings["fsync"] = "off";
        options.Settings["full_page_writes"] = "off";
        options.Settings["max_connections"] = "300";
        options.Settings["shared_buffers"] = "64MB";
        foreach (var (name, value) in settings ?? new Dictionary<string, string>(StringComparer.Ordinal)) options.Settings[name] = value;

        var guard = StartGuard(directory);
        var server = new EmbeddedServer(options, NullLogger<EmbeddedServer>.Instance, TimeProvider.System);
        var connectionString = await server.StartAsync(CancellationToken.None);
        return new PostgresServer(connectionString, server, directory, guard);
    }

    /// <summary>The connection string of a database, which need not exist yet. The caller chooses a unique name.</summary>
    public string ConnectionString(string database) =>
        new NpgsqlConnectionStringBuilder(_connectionString) { Database = database, MaxPoolSize = 30 }.ConnectionString;

    /// <summary>Creates a database with the schema. Migrations run once for each server; databases are copies of the result.</summary>
    public async Task MakeDatabaseAsync(string database) =>
        await RunAsync(ConnectionString("postgres"), $"CREATE DATABASE {database} TEMPLATE {await _template.Value}");

    /// <summary>Creates a database without tables.</summary>
    public async Task MakeEmptyDatabaseAsync(string connectionString) =>
        await RunAsync(ConnectionString("postgres"), $"CREATE DATABASE {new NpgsqlConnectionStringBuilder(connectionString).Database}");

    /// <summary>Kills a separate server like a power cut (kill -9). It starts again by itself within seconds.</summary>
    public void Kill()
    {
        var pid = PostmasterFile.Read(Path.Combine(_directory!, "pgdata"))?.Pid ?? throw new InvalidOperationException("The server is not running.");
        using var process = Process.GetProcessById(pid);
        process.Kill();
    }

    public async ValueTask DisposeAsync()
    {
        if (_server is null || Interlocked.Exchange(ref _disposed, 1) != 0) return;

        await _server.DisposeAsync();
        Directory.Delete(_directory!, recursive: true);
        _guard?.Dispose();
    }

    private async Task<string> MakeTemplateAsync()
    {
        var name = $"secrets_template_{Guid.NewGuid():N}";

        // A database with open connections cannot be copied.
        var connectionString = new NpgsqlConnectionStringBuilder(ConnectionString(name)) { Pooling = false }.ConnectionString;
        var options = new DbContextOptionsBuilder<PostgresSecretsDbContext>();
        PostgresEngine.Configure(options, connectionString);
        await using var db = new PostgresSecretsDbContext(options.Options);
        await db.Database.MigrateAsync();
        return name;
    }

    private static async Task RunAsync(string connectionString, string sql)
    {
        await using var connection = new NpgsqlConnection(connectionString);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync();
    }

    private static async Task<PostgresServer> StartSharedAsync()
    {
        if (Environment.GetEnvironmentVariable(Override) is { Length: > 0 } elsewhere) return new PostgresServer(elsewhere);

        var server = await StartAsync();
        AppDomain.CurrentDomain.ProcessExit += (_, _) => server.DisposeAsync().AsTask().Wait(TimeSpan.FromSeconds(10));
        return server;
    }

    private static Process? StartGuard(string directory)
    {
        if (OperatingSystem.IsWindows()) return null;

        string[] command = [.. File.Exists("/usr/bin/setsid") ? ["/usr/bin/setsid"] : Array.Empty<string>(), "/bin/sh", "-c", Guard, "sh", directory];
        var start = new ProcessStartInfo(command[0], command.Skip(1))
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = "/",
        };
        return Process.Start(start) ?? throw new InvalidOperationException(
            string.Create(CultureInfo.InvariantCulture, $"{command[0]} did not start"));
    }
}
