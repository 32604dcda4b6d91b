using System.Globalization;

namespace Secrets.TestKit;

/// <summary>A new database on a server, and the settings of the service processes that share it.</summary>
public sealed class Installation : IDisposable
{
    /// <summary>The bootstrap key.</summary>
    public const string Key = "a-bootstrap-key-of-more-than-32-characters";

    private readonly string _folder = Directory.CreateTempSubdirectory("secrets-run-").FullName;
    private readonly Dictionary<string, string?> _settings;

    private readonly PostgresServer? _server;

    /// <summary>An installation with a name for a database that does not exist yet, on a given server.</summary>
    public Installation(PostgresServer server)
        : this(server.ConnectionString(TestDatabase.NewName()), server)
    {
    }

    private Installation(string connectionString, PostgresServer? server)
    {
        (ConnectionString, _server) = (connectionString, server);
        TestDatabase.WriteRootKey(RootKeyFile);
        _settings = new Dictionary<string, string?>(StringComparer.Ordinal)
        {
            ["ASPNETCORE_ENVIRONMENT"] = "Production",
            ["Database__Provider"] = TestDatabase.Provider,
            ["Database__MayLoseAcknowledgedData"] = "true",
            ["ConnectionStrings__Secrets"] = ConnectionString,
            ["Encryption__RootKeyFile"] = RootKeyFile,
            ["Auth__BootstrapKey"] = Key,
        };
    }

    public string ConnectionString { get; }

    /// <summary>An installation with a name for a database that does not exist yet, on the server that all tests of this process share.</summary>
    public static async Task<Installation> NewAsync() => new(await TestDatabase.NewConnectionStringAsync(), server: null);

    /// <summary>A connection string with a maximum pool size.</summary>
    public static string WithPool(string connectionString, int connections) =>
        string.Create(CultureInfo.InvariantCulture, $"{connectionString};{(TestDatabase.IsSqlServer ? "Max Pool Size" : "Maximum Pool Size")}={connections}");

    /// <summary>Creates the database with its schema.</summary>
    public Task MakeAsync() => TestDatabase.MakeAsync(ConnectionString, _server);

    /// <summary>Creates the database, on PostgreSQL, with the schema of a script.</summary>
    public async Task MakeAsync(string script)
    {
        var server = await PostgresServer.SharedAsync();
        await server.MakeEmptyDatabaseAsync(ConnectionString);
        await TestDatabase.RunAsync(ConnectionString, TestDatabase.Own(script), [], command => command.ExecuteNonQueryAsync());
    }

    /// <summary>Creates the schema by the service's command <c>migrate</c>, as an operator does, and on PostgreSQL the database too.</summary>
    public Task MigrateAsync() => TestDatabase.IsSqlServer ? SqlServerInstance.MakeAsync(RunMigrationAsync) : RunMigrationAsync();

    /// <summary>The file of the root key.</summary>
    public string RootKeyFile => Path.Combine(_folder, "root.key");

    /// <summary>Starts the service in a separate process.</summary>
    /// <param name="connectionString">Another connection string, such as one through a proxy; null: the direct one.</param>
    /// <param name="settings">Settings that differ from those of every process; null removes one.</param>
    public ServiceProcess Start(string? connectionString = null, params (string Name, string? Value)[] settings) =>
        ServiceProcess.Start(SettingsWith(connectionString, settings));

    /// <summary>Starts another build of the service in a separate process.</summary>
    /// <param name="assembly">Its Secrets.Api.dll.</param>
    public ServiceProcess StartOther(string assembly) => ServiceProcess.Start(assembly, _settings);

    /// <summary>Starts the service in the test process.</summary>
    /// <param name="connectionString">Another connection string, such as one through a proxy; null: the direct one.</param>
    /// <param name="settings">Settings that differ from those of every process; null removes one.</param>
    public ServiceInProcess StartHere(string? connectionString = null, params (string Name, string? Value)[] settings) =>
        ServiceInProcess.Start(SettingsWith(connectionString, settings));

    /// <summary>Runs the service with these arguments in a separate process.</summary>
    public ServiceProcess Run(params string[] arguments) => ServiceProcess.Start(_settings, arguments);

    /// <summary>Runs the service with these arguments and without a bootstrap key, in a separate process.</summary>
    public ServiceProcess RunWithoutKey(params string[] arguments) => ServiceProcess.Start(SettingsWith(connectionString: null, [("Auth__BootstrapKey", null)]), arguments);

    /// <summary>Runs the service with these arguments in the test process.</summary>
    public ServiceInProcess RunHere(params string[] arguments) => ServiceInProcess.Start(_settings, arguments);

    /// <summary>The same with settings that differ from those of every process; null removes one.</summary>
    public ServiceInProcess RunHere((string Name, string? Value)[] settings, params string[] arguments) =>
        ServiceInProcess.Start(SettingsWith(connectionString: null, settings), arguments);

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private Dictionary<string, string?> SettingsWith(string? connectionString, (string Name, string? Value)[] settings)
    {
        var all = new Dictionary<string, string?>(_settings, StringComparer.Ordinal) { ["ConnectionStrings__Secrets"] = connectionString ?? ConnectionString };
        foreach (var (name, value) in settings)
        {
            all[name] = value;
        }

        return all;
    }

    private async Task RunMigrationAsync()
    {
        if (TestDatabase.IsSqlServer)
        {
            // Not by the command: EF Core also alters the database, which Babelfish cannot.
            await SqlServerInstance.CreateDatabaseAsync(ConnectionString);
        }

        await using var migration = TestDatabase.IsSqlServer ? Run("migrate") : Run("migrate", "--create-database");
        if (await migration.ExitCodeAsync() != 0)
        {
            throw new InvalidOperationException($"The migration failed:\n{migration.Output}");
        }
    }
}
