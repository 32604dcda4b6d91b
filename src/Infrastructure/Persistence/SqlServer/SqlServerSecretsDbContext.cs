using System.Data;
using System.Data.Common;
using Microsoft.Data.SqlClient;
using Microsoft.EntityFrameworkCore.Design;
using Microsoft.EntityFrameworkCore.Metadata;
using Microsoft.EntityFrameworkCore.Storage;
using Secrets.Infrastructure.Foundation;

namespace Secrets.Infrastructure.Persistence.SqlServer;

internal sealed class SqlServerSecretsDbContext(DbContextOptions<SqlServerSecretsDbContext> options) : SecretsDbContext(options)
{
    /// <summary>
    /// Hint for writes to an owner's row. Without the hint, SQL Server may scan a small table and lock all its rows: writes of different owners would wait
    /// for each other or deadlock.
    /// </summary>
    internal const string ByKey = "INDEX(pk_owners), FORCESEEK";

    /// <summary>
    /// Query hint for joins of sent rows: looks up each row by its index, in the order of the query. Without it, a batch may scan a small table. Not a hint of
    /// the join, which Babelfish does not parse after a subquery.
    /// </summary>
    internal const string InGivenOrder = "OPTION (LOOP JOIN, FORCE ORDER)";

    internal const string LockByKey =
        $$"""UPDATE o SET stamp = o.stamp + 1 FROM owners AS o WITH ({{ByKey}}) WHERE o.kind = {0} AND o.id_key = {{OwnerKey.HashStart}}{1}{{OwnerKey.HashEnd}}""";

    private static readonly SentRows<Guid> Ids = new("@keys", new SentColumn<Guid, Guid>("id", ColumnKind.Uuid, id => id));

    /// <summary>READCOMMITTEDLOCK, because READPAST is refused where read committed rows come from row versions.</summary>
    internal static readonly string NoteUse =
        $"""
        SET NOCOUNT ON;
        DECLARE @noted TABLE (id binary(16) NOT NULL PRIMARY KEY);
        UPDATE k SET last_used_at = @now
        OUTPUT inserted.id INTO @noted (id)
        FROM api_keys AS k WITH (ROWLOCK, READPAST, READCOMMITTEDLOCK)
        INNER JOIN {Ids.Source} ON i.id = k.id
        WHERE k.last_used_at IS NULL OR k.last_used_at <= @stale;
        SELECT id FROM @noted;
        """;

    private const byte DurabilityForced = 2;
    private const int EnablingAttempts = 10;

    private static readonly TimeSpan EnablingPause = TimeSpan.FromMilliseconds(500);

    public override IDatabaseFaults Faults { get; } = new SqlServerFaults();

    protected override string BinaryCollation => "Latin1_General_100_BIN2";

    protected override string LockOwner => LockByKey;

    /// <summary>A command on the context's connection, in its transaction if there is one.</summary>
    public static SqlCommand CommandOf(SecretsDbContext db, string sql) =>
        new(sql, (SqlConnection)db.Database.GetDbConnection(), (SqlTransaction?)db.Database.CurrentTransaction?.GetDbTransaction());

    public override Task RequireServerAsync(CancellationToken cancellationToken) => ReadingCheck.RequireAsync(this, cancellationToken);

    public override async Task EnableDatabaseFeaturesAsync(CancellationToken cancellationToken)
    {
        if (!await HasSnapshotsAsync(cancellationToken))
        {
            await Database.ExecuteSqlRawAsync("ALTER DATABASE CURRENT SET ALLOW_SNAPSHOT_ISOLATION ON", cancellationToken);
        }

        if (!await HasRowVersionsAsync(cancellationToken))
        {
            await EnableRowVersionsAsync(cancellationToken);
        }
    }

    public override async Task RequireDatabaseFeaturesAsync(CancellationToken cancellationToken)
    {
        if (!await HasSnapshotsAsync(cancellationToken))
        {
            throw new StartupException(
                "The database does not allow snapshots. Run `ALTER DATABASE CURRENT SET ALLOW_SNAPSHOT_ISOLATION ON` in it, or run `Secrets.Api migrate` "
                + "as a user with that permission.");
        }

        if (!await HasRowVersionsAsync(cancellationToken))
        {
            throw new StartupException(
                "The database reads committed rows under locks, so that reads and writes could deadlock. Run "
                + "`ALTER DATABASE CURRENT SET READ_COMMITTED_SNAPSHOT ON` in it while no other session uses it, or run `Secrets.Api migrate` "
                + "as a user with that permission.");
        }
    }

    public override Task RequirePlansAsync(CancellationToken cancellationToken) => HintedStatements.RequireAsync(this, cancellationToken);

    public override async Task RequireDurabilityAsync(CancellationToken cancellationToken)
    {
        var durability = await Database
            .SqlQuery<int>($"SELECT CAST(delayed_durability AS int) AS Value FROM sys.databases WHERE name = DB_NAME()")
            .SingleAsync(cancellationToken);
        if (durability == DurabilityForced)
        {
            throw new StartupException(
                "The database forces delayed durability, so an audit row could be lost after its value was released. "
                + "Run `ALTER DATABASE CURRENT SET DELAYED_DURABILITY = DISABLED` in it.");
        }
    }

    /// <summary>
    /// Except on Azure, the snapshot level outlives the transaction, even in the pool. The next user of the connection would write in snapshots and fail on
    /// concurrent writes. An empty transaction at another level resets it.
    /// </summary>
    public override async Task<T> InSnapshotAsync<T>(Func<Task<T>> read, CancellationToken cancellationToken)
    {
        await Database.OpenConnectionAsync(cancellationToken);
        try
        {
            return await base.InSnapshotAsync(read, cancellationToken);
        }
        finally
        {
            await LeaveSnapshotAsync();
            await Database.CloseConnectionAsync();
        }
    }

    /// <summary>Opens all warm connections at once. Closed connections stay open in the pool.</summary>
    public override async Task WarmAsync(CancellationToken cancellationToken)
    {
        var text = Database.GetConnectionString();
        var connections = Enumerable.Range(0, new SqlConnectionStringBuilder(text).MinPoolSize).Select(_ => new SqlConnection(text)).ToList();
        try
        {
            await Task.WhenAll(connections.Select(connection => connection.OpenAsync(cancellationToken)));
        }
        finally
        {
            connections.ForEach(connection => connection.Dispose());
        }
    }

    public override async Task<IReadOnlySet<Guid>> NoteUseAsync(IReadOnlyList<Guid> keys, DateTimeOffset now, DateTimeOffset stale)
    {
        await using var open = await OpenConnection.OpenAsync(this);
        await using var command = new SqlCommand(NoteUse, (SqlConnection)open.Connection)
        {
            Parameters =
            {
                new SqlParameter("@now", SqlDbType.DateTimeOffset) { Value = WholeMicroseconds.ToStored(now) },
                new SqlParameter("@stale", SqlDbType.DateTimeOffset) { Value = WholeMicroseconds.ToStored(stale) },
            },
        };
        Ids.AddTo(command, keys);
        var noted = new HashSet<Guid>();
        await using var reader = await command.ExecuteReaderAsync();
        while (await reader.ReadAsync())
        {
            noted.Add(UuidBytes.Read(reader.GetFieldValue<byte[]>(0)));
        }

        return noted;
    }

    protected override async Task<string?> ReadDisguisedTableAsync(List<string> tables, CancellationToken cancellationToken)
    {
        // Tables that a name without a schema resolves to. Skips missing tables, because the service's statements fail anyway.
        var plain = await Database.SqlQuery<string>($"SELECT name AS Value FROM sys.tables WHERE object_id = OBJECT_ID(QUOTENAME(name))").ToListAsync(cancellationToken);
        foreach (var table in tables.Except(plain, StringComparer.Ordinal))
        {
            if (await Database.SqlQuery<int?>($"SELECT OBJECT_ID({table}) AS Value").SingleAsync(cancellationToken) is not null)
            {
                return table;
            }
        }

        // Babelfish has no row policies, and no catalog of them.
        var hasPolicies = await Database.SqlQuery<int>($"SELECT CASE WHEN OBJECT_ID(N'sys.security_predicates') IS NULL THEN 0 ELSE 1 END AS Value").SingleAsync(cancellationToken) == 1;
        var filtered = !hasPolicies
            ? []
            : await Database.SqlQuery<string>($"SELECT t.name AS Value FROM sys.security_predicates AS p INNER JOIN sys.tables AS t ON t.object_id = p.target_object_id").ToListAsync(cancellationToken);
        return tables.Find(filtered.Contains);
    }

    protected override Task<List<string>> ReadUniqueIndexesAsync(CancellationToken cancellationToken) => Database
        .SqlQuery<string>($"SELECT name AS Value FROM sys.indexes WHERE is_unique = 1 AND is_disabled = 0 AND name IS NOT NULL")
        .ToListAsync(cancellationToken);

    protected override IExecutionStrategy CreateStrategy() => new TransactionRetries(this);

    protected override void ConfigureConventions(ModelConfigurationBuilder configurationBuilder)
    {
        base.ConfigureConventions(configurationBuilder);
        configurationBuilder.Properties<Guid>().HaveConversion<UuidBytes>().HaveColumnType(UuidBytes.ColumnType);
        configurationBuilder.Properties<DateTimeOffset>().HaveConversion<WholeMicroseconds>().HavePrecision(WholeMicroseconds.Precision);
    }

    protected override void OnModelCreating(ModelBuilder modelBuilder)
    {
        base.OnModelCreating(modelBuilder);
        foreach (var entity in modelBuilder.Model.GetEntityTypes())
        {
            // SQL Server refuses an OUTPUT clause on a table with triggers: ours (StampTriggers) and any that an administrator adds.
            entity.UseSqlOutputClause(false);
            foreach (var property in entity.GetProperties().Where(property => property.ClrType == typeof(string) && IsCompared(property)))
            {
                if (OwnerKey.Of(entity.GetTableName(), property.GetColumnName()) is not null)
                {
                    property.SetColumnType(OwnerKey.TextType);
                    continue;
                }

                var length = ComparedText.LengthOf(property.GetMaxLength()!.Value);
                property.SetValueConverter(new ComparedText());
                property.SetColumnType(ComparedText.ColumnTypeOf(length));
                property.SetMaxLength(length);
                property.SetCollation(null);
            }
        }
    }

    // Columns in an index, and workspaces, which are compared without one.
    private static bool IsCompared(IReadOnlyProperty property) =>
        property.IsKey() || property.IsForeignKey() || property.IsIndex() || property.Name is nameof(WorkspaceGrant.Workspace);

    /// <summary>Whether the database allows snapshots. Azure SQL always does.</summary>
    private async Task<bool> HasSnapshotsAsync(CancellationToken cancellationToken)
    {
        try
        {
            await InSnapshotAsync(() => RootKeys.AnyAsync(cancellationToken), cancellationToken);
            return true;
        }
        catch (SqlException exception) when (SqlServerFaults.IsSnapshotRefused(exception))
        {
            return false;
        }
    }

    /// <summary>Needs the database for itself. NO_WAIT, because the statement would wait for every other session.</summary>
    private async Task EnableRowVersionsAsync(CancellationToken cancellationToken)
    {
        // Idle connections of this process count as other sessions, and a pool opens some by itself. So the statement runs outside the pool, and again
        // while the server still closes them.
        SqlConnection.ClearPool((SqlConnection)Database.GetDbConnection());
        await using var alone = new SqlConnection(new SqlConnectionStringBuilder(Database.GetConnectionString()) { Pooling = false }.ConnectionString);
        await alone.OpenAsync(cancellationToken);
        await using var command = new SqlCommand("ALTER DATABASE CURRENT SET READ_COMMITTED_SNAPSHOT ON WITH NO_WAIT", alone);
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                await command.ExecuteNonQueryAsync(cancellationToken);
                return;
            }
            catch (SqlException) when (attempt < EnablingAttempts)
            {
                await Task.Delay(EnablingPause, cancellationToken);
            }
            catch (SqlException exception)
            {
                throw RowVersionsRefused(exception);
            }
        }
    }

    private static StartupException RowVersionsRefused(SqlException exception) => new(
        $"The migrations are applied, but READ_COMMITTED_SNAPSHOT cannot be switched on: {exception.Message.ReplaceLineEndings(" ")} Stop every replica and run `Secrets.Api migrate` again, "
        + "or run `ALTER DATABASE CURRENT SET READ_COMMITTED_SNAPSHOT ON WITH ROLLBACK IMMEDIATE`, which ends all other sessions.",
        exception);

    /// <summary>Whether reads see the last committed rows without waiting for locks. By name: in Azure SQL, DB_ID() need not be the id in sys.databases.</summary>
    private Task<bool> HasRowVersionsAsync(CancellationToken cancellationToken) => Database
        .SqlQuery<bool>($"SELECT is_read_committed_snapshot_on AS Value FROM sys.databases WHERE name = DB_NAME()")
        .SingleAsync(cancellationToken);

    private async Task LeaveSnapshotAsync()
    {
        try
        {
            await using var plain = await Database.BeginTransactionAsync(IsolationLevel.ReadCommitted);
        }
        catch (Exception exception) when (exception is DbException or InvalidOperationException or UnavailableException)
        {
            // A lost connection does not return to the pool. The result or the error of the read matters more.
        }
    }

    /// <summary>
    /// Retries a transaction after a lost connection, a deadlock or a failover. A commit with unknown outcome is not retried: the request ends with 503.
    /// </summary>
    private sealed class TransactionRetries(DbContext context)
        : SqlServerRetryingExecutionStrategy(context, maxRetryCount: 3, maxRetryDelay: TimeSpan.FromSeconds(1), errorNumbersToAdd: null)
    {
        // EF Core wraps a query's failure in advice to retry, and recognises lost connections only by numbers that the driver uses on Windows.
        protected override bool ShouldRetryOn(Exception exception) => exception.Find<SqlException>() is { } refused
            ? base.ShouldRetryOn(refused) || SqlServerFaults.IsConnectionLost(refused)
            : SqlServerFaults.IsConnectionClosed(exception) || SqlServerFaults.IsStreamEnded(exception) || base.ShouldRetryOn(exception);
    }

    /// <summary>For the tool that makes migrations (eng/add-migration). Never connects.</summary>
    internal sealed class DesignTime : IDesignTimeDbContextFactory<SqlServerSecretsDbContext>
    {
        public SqlServerSecretsDbContext CreateDbContext(string[] args)
        {
            var options = new DbContextOptionsBuilder<SqlServerSecretsDbContext>();
            SqlServerEngine.Configure(options, "Server=localhost");
            return new SqlServerSecretsDbContext(options.Options);
        }
    }
}
