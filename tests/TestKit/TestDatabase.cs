using System.Data.Common;
using System.Security.Cryptography;
using System.Text.RegularExpressions;
using Microsoft.Data.SqlClient;
using Microsoft.EntityFrameworkCore;
using Npgsql;
using Secrets.Infrastructure.Persistence.SqlServer;
using Xunit;

namespace Secrets.TestKit;

/// <summary>A statement that a test runs directly on the database: one text for both databases, or one for each.</summary>
public readonly record struct Sql
{
    private Sql(string postgres, string sqlServer)
    {
        // Parse it even without a SQL Server.
        TSql.Check(sqlServer);
        Text = TestDatabase.IsSqlServer ? sqlServer : postgres;
    }

    /// <summary>The text for the database that the tests run on.</summary>
    public string Text { get; }

    public static Sql Of(string postgres, string sqlServer) => new(postgres, sqlServer);

    public static implicit operator Sql(string both) => new(both, both);
}

/// <summary>The kind of database of this test process: PostgreSQL, unless the assembly asks for SQL Server.</summary>
public static partial class TestDatabase
{
    public static bool IsSqlServer { get; private set; }

    /// <summary>Whether a database is available. Otherwise tests are skipped, and <see cref="SqlServerInstance.WhyNot"/> says why.</summary>
    public static bool IsThere => !IsSqlServer || SqlServerInstance.WhyNot is null;

    /// <summary>The value of the setting <c>Database:Provider</c>.</summary>
    public static string Provider => IsSqlServer ? "SqlServer" : "Postgres";

    /// <summary>Selects SQL Server. Call it in the module initializer of an assembly.</summary>
    public static void UseSqlServer() => IsSqlServer = true;

    /// <summary>Settings of a service with an embedded database.</summary>
    /// <param name="folder">The folder of the database.</param>
    internal static IReadOnlyDictionary<string, string> Embedded(string folder) => new Dictionary<string, string>(StringComparer.Ordinal)
    {
        ["Embedded:DataDirectory"] = folder,
        ["Embedded:Settings:fsync"] = "off",
    };

    /// <summary>Creates a database with the schema and returns the settings for it.</summary>
    /// <param name="folder">The folder of the root key.</param>
    internal static async Task<IReadOnlyDictionary<string, string>> NewAsync(string folder)
    {
        var connectionString = await NewConnectionStringAsync();
        await MakeAsync(connectionString);
        return new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["Database:Provider"] = Provider,
            ["ConnectionStrings:Secrets"] = connectionString,
            ["Encryption:RootKeyFile"] = WriteRootKey(Path.Combine(folder, "root.key")),
        };
    }

    /// <summary>The connection string of a database that does not exist yet, on the server that all tests of this process share.</summary>
    internal static async Task<string> NewConnectionStringAsync() => IsSqlServer
        ? (await SqlServerInstance.SharedAsync()).ConnectionString(NewName())
        : (await PostgresServer.SharedAsync()).ConnectionString(NewName());

    /// <summary>A unique name for a database.</summary>
    internal static string NewName() => $"secrets_{Guid.NewGuid():N}";

    /// <summary>Creates a database with the schema.</summary>
    /// <param name="connectionString">The connection string of the database.</param>
    /// <param name="server">The PostgreSQL server of the database; null: the shared one.</param>
    internal static async Task MakeAsync(string connectionString, PostgresServer? server = null)
    {
        if (!IsSqlServer)
        {
            server ??= await PostgresServer.SharedAsync();
            await server.MakeDatabaseAsync(new NpgsqlConnectionStringBuilder(connectionString).Database!);
            return;
        }

        var options = new DbContextOptionsBuilder<SqlServerSecretsDbContext>();
        SqlServerEngine.Configure(options, connectionString);
        await using var db = new SqlServerSecretsDbContext(options.Options);
        await SqlServerInstance.MakeAsync(() => SqlServerInstance.CreateDatabaseAsync(connectionString));
        await db.Database.MigrateAsync();
        await db.EnableDatabaseFeaturesAsync(CancellationToken.None);

        // The pool would keep this session open, and tests that count the sessions of a service would count it too.
        SqlConnection.ClearPool((SqlConnection)db.Database.GetDbConnection());
    }

    /// <summary>Writes a new root key to a file and returns the path.</summary>
    internal static string WriteRootKey(string file)
    {
        File.WriteAllText(file, Convert.ToBase64String(RandomNumberGenerator.GetBytes(32)));
        return file;
    }

    /// <summary>
    /// A statement in the SQL of the database that the tests run on. Uuids and prefixes of keys may be written as text: SQL Server stores bytes, except the ids of
    /// owners.
    /// </summary>
    public static Sql Own(string sql) => IsSqlServer
        ? PrefixText().Replace(UuidText().Replace(sql, match => match.Groups["text"].Success ? match.Value : $"0x{Guid.Parse(match.Groups["id"].Value):N}"), "prefix = CAST('${prefix}' AS varbinary(68))")
        : Sql.Of(sql, "SELECT 1");

    /// <summary>SQL that makes a copy of rows insertable again (<c>INSERT INTO table SELECT * FROM copy</c>): a computed column cannot be inserted.</summary>
    public static string WithoutComputed(string copy) => IsSqlServer ? $"; ALTER TABLE {copy} DROP COLUMN owner_key" : "";

    [GeneratedRegex("(?<text>(?:owners\\.id|owners WHERE id|owner_id) = )?'(?<id>[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})'", RegexOptions.ExplicitCapture | RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 1_000)]
    private static partial Regex UuidText();

    [GeneratedRegex("prefix = '(?<prefix>[^']*)'", RegexOptions.ExplicitCapture | RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 1_000)]
    private static partial Regex PrefixText();

    /// <summary>Skips the test on Babelfish, which has T-SQL but not all of SQL Server.</summary>
    /// <param name="reason">What Babelfish does not do.</param>
    public static async Task SkipOnBabelfishAsync(string reason) => Assert.SkipWhen(await IsBabelfishAsync(), $"Babelfish {reason}");

    /// <summary>Whether the tests use Babelfish. It takes seconds for the first statements of each connection, so some tests give it more time.</summary>
    public static async Task<bool> IsBabelfishAsync() => IsSqlServer && await (await SqlServerInstance.SharedAsync()).IsBabelfishAsync();

    /// <summary>Runs a statement on a new connection.</summary>
    public static async Task<T> RunAsync<T>(string connectionString, Sql sql, (string Name, object Value)[] parameters, Func<DbCommand, Task<T>> run)
    {
        await using var connection = await OpenAsync(connectionString);
        await using var command = CommandOf(connection, sql, parameters);
        return await run(command);
    }

    /// <summary>Reads all rows of a query on a new connection.</summary>
    public static Task<List<T>> ReadAsync<T>(string connectionString, Sql sql, Func<DbDataReader, T> read) => RunAsync(connectionString, sql, [], async command =>
    {
        await using var reader = await command.ExecuteReaderAsync();
        var rows = new List<T>();
        while (await reader.ReadAsync())
        {
            rows.Add(read(reader));
        }

        return rows;
    });

    /// <summary>Runs a statement in a transaction that is rolled back when the result is disposed.</summary>
    internal static async Task<IAsyncDisposable> HoldAsync(string connectionString, Sql sql, (string Name, object Value)[] parameters)
    {
        var connection = await OpenAsync(connectionString);
        var transaction = await connection.BeginTransactionAsync();
        await using var command = CommandOf(connection, sql, parameters);
        command.Transaction = transaction;
        await command.ExecuteNonQueryAsync();
        return connection;
    }

    private static async Task<DbConnection> OpenAsync(string connectionString)
    {
        DbConnection connection = IsSqlServer ? new SqlConnection(connectionString) : new NpgsqlConnection(connectionString);
        await connection.OpenAsync();
        return connection;
    }

    private static DbCommand CommandOf(DbConnection connection, Sql sql, (string Name, object Value)[] parameters)
    {
        var command = connection.CreateCommand();
        command.CommandText = sql.Text;
        foreach (var (name, value) in parameters)
        {
            var parameter = command.CreateParameter();
            (parameter.ParameterName, parameter.Value) = (name, IsSqlServer ? Stored(value) : value);
            command.Parameters.Add(parameter);
        }

        return command;
    }

    /// <summary>A value of a row in the type that the service uses.</summary>
    public static T Read<T>(object value) => value is byte[] bytes && typeof(T) == typeof(Guid) ? (T)(object)UuidBytes.Read(bytes) : (T)value;

    /// <summary>A parameter in the type of SQL Server.</summary>
    private static object Stored(object value) => value is Guid id ? UuidBytes.ToStored(id) : value;
}
