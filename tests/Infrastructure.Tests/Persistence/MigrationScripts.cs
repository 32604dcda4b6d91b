using System.Data.Common;
using System.Text.RegularExpressions;
using Microsoft.Data.SqlClient;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;
using Microsoft.SqlServer.TransactSql.ScriptDom;
using Npgsql;
using Secrets.Infrastructure.Persistence;
using Secrets.Infrastructure.Persistence.Postgres;
using Secrets.Infrastructure.Persistence.SqlServer;
using Secrets.TestKit;

namespace Secrets.Infrastructure.Tests.Persistence;

/// <summary>The scripts of docs/sql, for those who let nobody but their own tools change a database.</summary>
public sealed partial class MigrationScripts
{
    public static TheoryData<string> Databases => new("postgres", "sqlserver");

    [Theory]
    [MemberData(nameof(Databases))]
    public async Task They_are_what_the_migrations_do(string database)
    {
        await using var db = NewContext(database, "");

        var made = db.GetService<IMigrator>().GenerateScript(options: MigrationsSqlGenerationOptions.Idempotent);

        Assert.True(Lines(made) == Lines(Committed(database)), "docs/sql is out of date: run eng/update-sql");
    }

    [Fact]
    public void That_of_SqlServer_is_T_SQL_and_so_is_what_it_executes_as_text()
    {
        var executed = new ExecutedTexts();

        TSql.Parse(Committed("sqlserver")).Accept(executed);

        Assert.Contains(executed.Statements, sql => sql.StartsWith("UPDATE workspace_grants", StringComparison.Ordinal));
        Assert.All(executed.Statements, TSql.Check);
    }

    [Theory]
    [MemberData(nameof(Databases))]
    public async Task They_make_the_schema_in_an_empty_database_and_do_nothing_the_second_time(string database)
    {
        await using var db = await NewDatabaseAsync(database);

        await RunAsync(db, Committed(database));
        await RunAsync(db, Committed(database));

        Assert.Empty(await db.Database.GetPendingMigrationsAsync(TestContext.Current.CancellationToken));
        Assert.Null(await db.Secrets.FirstOrDefaultAsync(TestContext.Current.CancellationToken));
    }

    [Theory]
    [MemberData(nameof(Databases))]
    public async Task They_upgrade_the_version_before_with_all_that_is_in_it(string database)
    {
        await using var db = await NewDatabaseAsync(database);
        var migrations = db.Database.GetMigrations().ToList();
        await RunAsync(db, db.GetService<IMigrator>().GenerateScript(toMigration: migrations.Count > 1 ? migrations[^2] : migrations[^1]));
        var tables = await FillAsync(db);

        await RunAsync(db, Committed(database));

        Assert.Empty(await db.Database.GetPendingMigrationsAsync(TestContext.Current.CancellationToken));
        Assert.True(tables.Count >= 8, $"only {tables.Count} tables had a row");
        foreach (var table in tables)
        {
            var count = $"SELECT CAST(count(*) AS int) AS \"Value\" FROM {table}";
            Assert.Equal(1, await db.Database.SqlQueryRaw<int>(count).SingleAsync(TestContext.Current.CancellationToken));
        }

        Assert.NotNull(await db.Secrets.SingleAsync(TestContext.Current.CancellationToken));
    }

    private static SecretsDbContext NewContext(string database, string connectionString)
    {
        if (database == "postgres")
        {
            var postgres = new DbContextOptionsBuilder<PostgresSecretsDbContext>();
            PostgresEngine.Configure(postgres, connectionString.Length > 0 ? connectionString : "Host=nowhere");
            return new PostgresSecretsDbContext(postgres.Options);
        }

        var sqlServer = new DbContextOptionsBuilder<SqlServerSecretsDbContext>();
        SqlServerEngine.Configure(sqlServer, connectionString.Length > 0 ? connectionString : "Server=nowhere");
        return new SqlServerSecretsDbContext(sqlServer.Options);
    }

    /// <summary>A database without anything in it.</summary>
    private static async Task<SecretsDbContext> NewDatabaseAsync(string database)
    {
        var name = $"script_{Guid.NewGuid():N}";
        if (database == "postgres")
        {
            var server = await PostgresServer.SharedAsync();
            await RunAsync(new NpgsqlConnection(server.ConnectionString("postgres")), $"CREATE DATABASE {name}");
            return NewContext(database, server.ConnectionString(name));
        }

        Assert.SkipWhen(SqlServerInstance.WhyNot is not null, SqlServerInstance.WhyNot ?? "");
        var instance = await SqlServerInstance.SharedAsync();
        await SqlServerInstance.MakeAsync(() => RunAsync(new SqlConnection(instance.ConnectionString("master")), $"CREATE DATABASE {name}"));
        return NewContext(database, instance.ConnectionString(name));
    }

    /// <summary>
    /// A row in every table, whatever its columns are: all values of one type are the same, so that what refers to another row finds it.
    /// </summary>
    private static async Task<IReadOnlyList<string>> FillAsync(SecretsDbContext db)
    {
        var columns = await db.Database.SqlQueryRaw<string>(
            """
            SELECT CONCAT(c.table_name, ' ', c.column_name, ' ', c.data_type) AS "Value"
            FROM information_schema.columns c JOIN information_schema.tables t ON t.table_schema = c.table_schema AND t.table_name = c.table_name
            WHERE t.table_type = 'BASE TABLE' AND t.table_schema IN ('public', 'dbo')
            """).ToListAsync(TestContext.Current.CancellationToken);
        var tables = columns.Select(column => column.Split(' ', 3))
            .Where(column => column[0] != "migrations")
            .GroupBy(column => column[0], column => (Name: column[1], Type: column[2]))
            .OrderBy(table => table.Key switch { "owners" => 0, "secrets" => 1, _ => 2 });
        var filled = new List<string>();
        foreach (var table in tables)
        {
            var (names, values) = (string.Join(", ", table.Select(column => $"\"{column.Name}\"")), string.Join(", ", table.Select(column => Sample(column.Type))));
            await RunAsync(db, $"INSERT INTO {table.Key} ({names}) VALUES ({values})");
            filled.Add(table.Key);
        }

        return filled;
    }

    private static string Sample(string type) => type switch
    {
        "smallint" or "integer" or "bigint" or "int" or "tinyint" => "1",
        "boolean" => "true",
        "bit" => "1",
        "uuid" => "'0198a5c0-0000-7000-8000-000000000001'",
        "bytea" => "'\\x01'",
        "binary" or "varbinary" => "0x01",
        "ARRAY" => "'{}'",
        "nvarchar" => "N'[]'",
        "datetimeoffset" => "'2026-11-21T00:00:00+00:00'",
        "timestamp with time zone" => "'2026-11-21T00:00:00+00:00'",
        _ => "'x'",
    };

    private static Task RunAsync(SecretsDbContext db, string script) => RunAsync(
        db is PostgresSecretsDbContext
            ? new NpgsqlConnection(db.Database.GetConnectionString())
            : new SqlConnection(db.Database.GetConnectionString()),
        script);

    private static async Task RunAsync(DbConnection connection, string script)
    {
        await using (connection)
        {
            await connection.OpenAsync();
            foreach (var batch in BatchEnd().Split(script).Where(batch => batch.Trim().Length > 0))
            {
                await using var command = connection.CreateCommand();
                command.CommandText = batch;
                await command.ExecuteNonQueryAsync();
            }
        }
    }

    private static string Committed(string database) => File.ReadAllText(Path.Combine(Repository.Root, "docs", "sql", $"{database}.sql"));

    private static string Lines(string text) => text.TrimStart('\uFEFF').ReplaceLineEndings("\n").Trim();

    [GeneratedRegex(@"^GO\s*$", RegexOptions.Multiline)]
    private static partial Regex BatchEnd();

    /// <summary>What is in EXEC(N'...') as a whole; what is put together there is the name of a constraint.</summary>
    private sealed class ExecutedTexts : TSqlFragmentVisitor
    {
        public List<string> Statements { get; } = [];

        public override void Visit(ExecutableStringList node)
        {
            if (node.Strings is [StringLiteral text])
            {
                Statements.Add(text.Value);
            }
        }
    }
}
