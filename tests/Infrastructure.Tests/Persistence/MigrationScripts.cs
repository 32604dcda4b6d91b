using System.Data.Common;
using System.Reflection;
using System.Text.RegularExpressions;
using Microsoft.Data.SqlClient;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Diagnostics;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;
using Microsoft.EntityFrameworkCore.Migrations.Internal;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Hosting.Internal;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Microsoft.SqlServer.TransactSql.ScriptDom;
using Npgsql;
using Secrets.Infrastructure.Foundation;
using Secrets.Infrastructure.Persistence;
using Secrets.Infrastructure.Persistence.Postgres;
using Secrets.Infrastructure.Persistence.SqlServer;
using Secrets.TestKit;
using PostgresTriggers = Secrets.Infrastructure.Persistence.Postgres.StampTriggers;
using SqlServerTriggers = Secrets.Infrastructure.Persistence.SqlServer.StampTriggers;

namespace Secrets.Infrastructure.Tests.Persistence;

/// <summary>The scripts in docs/sql, for operators whose databases only their own tools may change.</summary>
public sealed partial class MigrationScripts
{
    private const string Columns =
        """
        FROM information_schema.columns c JOIN information_schema.tables t ON t.table_schema = c.table_schema AND t.table_name = c.table_name
        WHERE t.table_type = 'BASE TABLE' AND t.table_schema IN ('public', 'dbo') AND t.table_name <> 'migrations'
        """;

    public static TheoryData<string> Databases => new("postgres", "sqlserver");

    [Theory]
    [MemberData(nameof(Databases))]
    public async Task They_are_what_the_migrations_do(string database)
    {
        await using var db = NewContext(database, "");

        var made = db.GetService<IMigrator>().GenerateScript(options: MigrationsSqlGenerationOptions.Idempotent);

        var head = database is "sqlserver" ? "SET XACT_ABORT ON;\nSET QUOTED_IDENTIFIER ON;\nGO\n\n" : "";
        Assert.True(Lines(head + made) == Lines(Committed(database)), "docs/sql is out of date: run eng/update-sql");
    }

    [Fact]
    public void That_of_SqlServer_is_T_SQL_and_so_is_what_it_executes_as_text()
    {
        var executed = new ExecutedTexts();

        TSql.Parse(Committed("sqlserver")).Accept(executed);

        Assert.Contains(executed.Statements, sql => sql.StartsWith("CREATE UNIQUE INDEX [ux_secrets_default]", StringComparison.Ordinal));
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

    /// <summary>Until the first release there is only one migration. The test adds another, so that upgrades are tested.</summary>
    [Theory]
    [MemberData(nameof(Databases))]
    public async Task A_later_version_upgrades_a_database_with_all_that_is_in_it(string database)
    {
        await using var db = await NewDatabaseAsync(database);
        await RunAsync(db, Committed(database));
        await FillAsync(db);
        var before = await CountAsync(db);
        await using var later = LaterVersion(db);

        var script = later.GetService<IMigrator>().GenerateScript(options: MigrationsSqlGenerationOptions.Idempotent);
        await RunAsync(later, script);
        await RunAsync(later, script);

        Assert.Empty(await later.Database.GetPendingMigrationsAsync(TestContext.Current.CancellationToken));
        Assert.True(before.Count >= 8, $"only {before.Count} tables");
        Assert.All(before, table => Assert.True(table.Value > 0, $"{table.Key} is empty"));
        Assert.Equal(before, await CountAsync(db));
        var added = $"SELECT CAST({MadeUpMigration.Column} AS int) AS \"Value\" FROM {MadeUpMigration.Table}";
        Assert.Equal(MadeUpMigration.Default, Assert.Single(await ReadAsync<int>(db, added)));

        // The former version still works with the upgraded database.
        Assert.NotNull(await db.Secrets.SingleAsync(TestContext.Current.CancellationToken));
    }

    [Theory]
    [MemberData(nameof(Databases))]
    public async Task The_service_asks_for_what_is_missing_applies_it_and_warns_of_what_is_newer(string database)
    {
        await using var db = await NewDatabaseAsync(database);
        await using var later = LaterVersion(db);
        var log = new CapturedLog();
        await SchemaOf(db, log).MigrateAsync(createsDatabase: true, finishes: false, TestContext.Current.CancellationToken);
        await SchemaOf(db, log).RequireCurrentAsync(TestContext.Current.CancellationToken);

        var behind = await Assert.ThrowsAsync<StartupException>(() => SchemaOf(later, log).RequireCurrentAsync(TestContext.Current.CancellationToken));
        Assert.Contains("1 of 3 migrations behind", behind.Message, StringComparison.Ordinal);

        await SchemaOf(later, log).MigrateAsync(createsDatabase: true, finishes: false, TestContext.Current.CancellationToken);
        await SchemaOf(later, log).RequireCurrentAsync(TestContext.Current.CancellationToken);
        Assert.DoesNotContain(log.Lines, line => line.Contains("a newer version of the service has migrated it", StringComparison.Ordinal));

        await SchemaOf(db, log).RequireCurrentAsync(TestContext.Current.CancellationToken);
        Assert.Contains(log.Lines, line => line.Contains("a newer version of the service has migrated it", StringComparison.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Databases))]
    public async Task An_upgrade_is_finished_only_when_asked(string database)
    {
        await using var db = await NewDatabaseAsync(database);
        await using var later = LaterVersion(db);
        var log = new CapturedLog();
        await SchemaOf(db, log).MigrateAsync(createsDatabase: true, finishes: false, TestContext.Current.CancellationToken);

        for (var run = 0; run < 2; run++)
        {
            var upgraded = await SchemaOf(later, log).MigrateAsync(createsDatabase: false, finishes: false, TestContext.Current.CancellationToken);
            Assert.Equal(run == 0 ? [MadeUpMigration.Id] : [], upgraded.Applied);
            Assert.Equal([FinishingMigration.Id], upgraded.Waiting);
        }

        await SchemaOf(later, log).RequireCurrentAsync(TestContext.Current.CancellationToken);
        Assert.Contains(log.Lines, line => line.Contains("`Secrets.Api migrate --finish`", StringComparison.Ordinal));

        var finished = await SchemaOf(later, log).MigrateAsync(createsDatabase: false, finishes: true, TestContext.Current.CancellationToken);
        Assert.Equal([FinishingMigration.Id], finished.Applied);
        Assert.Empty(finished.Waiting);
        Assert.Empty(await later.Database.GetPendingMigrationsAsync(TestContext.Current.CancellationToken));

        // A run without the option undoes nothing.
        Assert.Empty((await SchemaOf(later, log).MigrateAsync(createsDatabase: false, finishes: false, TestContext.Current.CancellationToken)).Applied);
        Assert.Empty(await later.Database.GetPendingMigrationsAsync(TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task A_new_database_has_no_upgrade_to_finish()
    {
        await using var db = await NewDatabaseAsync("postgres");
        await using var later = LaterVersion(db);

        var migrated = await SchemaOf(later, new CapturedLog()).MigrateAsync(createsDatabase: true, finishes: false, TestContext.Current.CancellationToken);

        Assert.Equal(3, migrated.Applied.Count);
        Assert.Empty(migrated.Waiting);
    }

    [Theory]
    [InlineData("A", "", "A", "", false)]
    [InlineData("A", "A", "", "", false)]
    [InlineData("A B C!", "A", "B", "C", false)]
    [InlineData("A B C!", "A B", "", "C", false)]
    [InlineData("A B C! D!", "A B C", "", "D", false)]
    [InlineData("A B C! D!", "A B C D", "", "", false)]
    [InlineData("A B! C D!", "A B", "C", "D", false)]
    [InlineData("A B! C D!", "A", "B C", "D", true)]
    [InlineData("A B! C D!", "", "A B C", "D", false)]
    [InlineData("A B!", "A B Newer", "", "", false)]
    public void Finishing_migrations_wait_only_at_the_end(string known, string applied, string required, string finishing, bool skipsAnUpgrade)
    {
        var missing = MissingMigrations.Of(
            [.. Words(known).Select(word => (word.TrimEnd('!'), word.EndsWith('!')))], Words(applied).ToHashSet(StringComparer.Ordinal));

        Assert.Equal(Words(required), missing.Required);
        Assert.Equal(Words(finishing), missing.Finishing);
        Assert.Equal(skipsAnUpgrade, missing.SkipsAnUpgrade);

        static string[] Words(string text) => text.Split(' ', StringSplitOptions.RemoveEmptyEntries);
    }

    [Fact]
    public void They_make_the_triggers()
    {
        Assert.Contains(WithoutIndents(PostgresTriggers.Create), WithoutIndents(Committed("postgres")), StringComparison.Ordinal);
        Assert.Contains(WithoutIndents(SqlServerTriggers.Create), WithoutIndents(Committed("sqlserver")), StringComparison.Ordinal);
    }

    private static SecretsDbContext NewContext(string database, string connectionString, bool isLater = false)
    {
        if (database == "postgres")
        {
            var postgres = new DbContextOptionsBuilder<PostgresSecretsDbContext>();
            PostgresEngine.Configure(postgres, connectionString.Length > 0 ? connectionString : "Host=nowhere");
            return new PostgresSecretsDbContext(AsVersion(postgres, isLater).Options);
        }

        var sqlServer = new DbContextOptionsBuilder<SqlServerSecretsDbContext>();
        SqlServerEngine.Configure(sqlServer, connectionString.Length > 0 ? connectionString : "Server=nowhere");
        return new SqlServerSecretsDbContext(AsVersion(sqlServer, isLater).Options);
    }

    private static DbContextOptionsBuilder<T> AsVersion<T>(DbContextOptionsBuilder<T> options, bool isLater)
        where T : DbContext => isLater ? options.ReplaceService<IMigrationsAssembly, WithMadeUpMigration>() : options;

    /// <summary>The context of a version with two more migrations, the last of which finishes the upgrade to it.</summary>
    private static SecretsDbContext LaterVersion(SecretsDbContext db) =>
        NewContext(db is PostgresSecretsDbContext ? "postgres" : "sqlserver", db.Database.GetConnectionString()!, isLater: true);

    private static Schema SchemaOf(SecretsDbContext db, CapturedLog log) => new(
        db,
        Options.Create(new DatabaseOptions { MayLoseAcknowledgedData = true }),
        new HostingEnvironment { EnvironmentName = Environments.Production },
        new Logger<Schema>(new LoggerFactory([log])));

    /// <summary>An empty database.</summary>
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
    /// Inserts a row into every empty table. All values of one type are equal, so that foreign keys match.
    /// </summary>
    private static async Task FillAsync(SecretsDbContext db)
    {
        var counts = await CountAsync(db);
        var columns = await ReadAsync<string>(db, $"SELECT CONCAT(c.table_name, ' ', c.column_name, ' ', c.data_type) AS \"Value\" {Columns}");
        var tables = columns.Select(column => column.Split(' ', 3))
            .Where(column => counts[column[0]] == 0)
            .GroupBy(column => column[0], column => (Name: column[1], Type: column[2]))
            .OrderBy(table => table.Key switch { "owners" => 0, "secrets" => 1, _ => 2 });
        foreach (var table in tables)
        {
            var (names, values) = (string.Join(", ", table.Select(column => $"\"{column.Name}\"")), string.Join(", ", table.Select(column => Sample(column.Type))));
            await RunAsync(db, $"INSERT INTO {table.Key} ({names}) VALUES ({values})");
        }
    }

    /// <summary>The number of rows in each table except the list of migrations.</summary>
    private static async Task<SortedDictionary<string, int>> CountAsync(SecretsDbContext db)
    {
        var counts = new SortedDictionary<string, int>(StringComparer.Ordinal);
        foreach (var table in await ReadAsync<string>(db, $"SELECT DISTINCT c.table_name AS \"Value\" {Columns}"))
        {
            counts[table] = Assert.Single(await ReadAsync<int>(db, $"SELECT CAST(count(*) AS int) AS \"Value\" FROM {table}"));
        }

        return counts;
    }

    private static Task<List<T>> ReadAsync<T>(SecretsDbContext db, string sql) =>
        db.Database.SqlQueryRaw<T>(sql).ToListAsync(TestContext.Current.CancellationToken);

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

    private static string WithoutIndents(string text) => string.Join('\n', text.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries));

    [GeneratedRegex(@"^GO\s*$", RegexOptions.Multiline)]
    private static partial Regex BatchEnd();

    /// <summary>The text in EXEC(N'...'). Only constraint names are concatenated there.</summary>
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

    /// <summary>Adds a column to a table with rows.</summary>
    [Migration(Id)]
    private sealed class MadeUpMigration : Migration
    {
        public const string Id = "99990101000000_MadeUp";
        public const string Table = "owners";
        public const string Column = "made_up";
        public const int Default = 7;

        protected override void Up(MigrationBuilder migrationBuilder) =>
            migrationBuilder.AddColumn<int>(Column, Table, nullable: false, defaultValue: Default);

        protected override void BuildTargetModel(ModelBuilder modelBuilder)
        {
        }
    }

    /// <summary>Finishes the upgrade to the version of <see cref="MadeUpMigration"/>.</summary>
    [Migration(Id)]
    [FinishesUpgrade]
    private sealed class FinishingMigration : Migration
    {
        public const string Id = "99990102000000_Finishing";

        protected override void Up(MigrationBuilder migrationBuilder) =>
            migrationBuilder.CreateIndex("ix_made_up", MadeUpMigration.Table, MadeUpMigration.Column);

        protected override void BuildTargetModel(ModelBuilder modelBuilder)
        {
        }
    }

#pragma warning disable EF1001 // EF Core has no public way to name migrations of another assembly than the context's.
    private sealed class WithMadeUpMigration(
        ICurrentDbContext context, IDbContextOptions options, IMigrationsIdGenerator ids, IDiagnosticsLogger<DbLoggerCategory.Migrations> logger)
        : MigrationsAssembly(context, options, ids, logger)
    {
        public override IReadOnlyDictionary<string, TypeInfo> Migrations =>
            new SortedDictionary<string, TypeInfo>(base.Migrations.ToDictionary(StringComparer.Ordinal), StringComparer.Ordinal)
            {
                [MadeUpMigration.Id] = typeof(MadeUpMigration).GetTypeInfo(),
                [FinishingMigration.Id] = typeof(FinishingMigration).GetTypeInfo(),
            };
    }
#pragma warning restore EF1001
}
