using System.Data;
using System.Data.Common;
using Microsoft.Data.SqlClient;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Design;
using Microsoft.EntityFrameworkCore.Metadata;
using Microsoft.EntityFrameworkCore.Storage;
using Secrets.Application.Common;
using Secrets.Domain.Secrets;
using Secrets.Infrastructure.Foundation;

namespace Secrets.Infrastructure.Persistence.SqlServer;

internal sealed class SqlServerSecretsDbContext(DbContextOptions<SqlServerSecretsDbContext> options) : SecretsDbContext(options)
{
    /// <summary>
    /// How a row of an owner is to be sought when it is written. While there are few, reading all of them costs less, and locks all of them: every
    /// write would wait for every other, and two that write twice could wait for each other.
    /// </summary>
    internal const string ByKey = "INDEX(pk_owners)";

    internal const string LockByKey = $$"""UPDATE o SET stamp = o.stamp + 1 FROM owners AS o WITH ({{ByKey}}) WHERE o.kind = {0} AND o.id = {1}""";

    /// <summary>READCOMMITTEDLOCK, because READPAST is refused where the database reads snapshots instead of locking.</summary>
    internal const string NoteUse =
        """
        SET NOCOUNT ON;
        DECLARE @noted TABLE (id binary(16) NOT NULL PRIMARY KEY);
        UPDATE k SET last_used_at = @now
        OUTPUT inserted.id INTO @noted (id)
        FROM api_keys AS k WITH (ROWLOCK, READPAST, READCOMMITTEDLOCK)
        INNER JOIN OPENJSON(@keys) WITH (id binary(16) '$[0]') AS i ON i.id = k.id
        WHERE k.last_used_at IS NULL OR k.last_used_at <= @stale;
        SELECT id FROM @noted;
        """;

    private const byte DurabilityForced = 2;

    public override IDatabaseFaults Faults { get; } = new SqlServerFaults();

    protected override string BinaryCollation => "Latin1_General_100_BIN2";

    protected override string LockOwner => LockByKey;

    public override async Task EnableDatabaseFeaturesAsync(CancellationToken cancellationToken)
    {
        if (!await HasSnapshotsAsync(cancellationToken))
        {
            await Database.ExecuteSqlRawAsync("ALTER DATABASE CURRENT SET ALLOW_SNAPSHOT_ISOLATION ON", cancellationToken);
        }
    }

    public override async Task RequireDatabaseFeaturesAsync(CancellationToken cancellationToken)
    {
        if (!await HasSnapshotsAsync(cancellationToken))
        {
            throw new StartupException(
                "The database does not allow snapshots. Run `ALTER DATABASE CURRENT SET ALLOW_SNAPSHOT_ISOLATION ON` in it, or the service once "
                + "with --migrate as a user who may.");
        }
    }

    public override async Task RequireDurabilityAsync(CancellationToken cancellationToken)
    {
        var durability = await Database
            .SqlQuery<int>($"SELECT CAST(delayed_durability AS int) AS Value FROM sys.databases WHERE database_id = DB_ID()")
            .SingleAsync(cancellationToken);
        if (durability == DurabilityForced)
        {
            throw new StartupException(
                "The database forces delayed durability, so an audit row could be lost after its value was handed out. "
                + "Run `ALTER DATABASE CURRENT SET DELAYED_DURABILITY = DISABLED` in it.");
        }
    }

    /// <summary>
    /// The level of a transaction outlives it, and the connection's return to the pool too, on every SQL Server but Azure's: whoever has it next would write
    /// in snapshots, and be refused where two write the same row. Another transaction, which sends its own level, ends that.
    /// </summary>
    public override async Task<T> AtOneMomentAsync<T>(Func<Task<T>> read, CancellationToken cancellationToken)
    {
        await Database.OpenConnectionAsync(cancellationToken);
        try
        {
            return await base.AtOneMomentAsync(read, cancellationToken);
        }
        finally
        {
            await LeaveSnapshotAsync();
            await Database.CloseConnectionAsync();
        }
    }

    public override async Task<IReadOnlySet<Guid>> NoteUseAsync(IReadOnlyList<Guid> keys, DateTimeOffset now, DateTimeOffset stale)
    {
        await using var open = await OpenConnection.OpenAsync(this);
        await using var command = new SqlCommand(NoteUse, (SqlConnection)open.Connection)
        {
            Parameters =
            {
                JsonRows.FromItems("@keys", keys, static (json, id) => json.Add(id)),
                new SqlParameter("@now", SqlDbType.DateTimeOffset) { Value = WholeMicroseconds.ToStored(now) },
                new SqlParameter("@stale", SqlDbType.DateTimeOffset) { Value = WholeMicroseconds.ToStored(stale) },
            },
        };
        var noted = new HashSet<Guid>();
        await using var reader = await command.ExecuteReaderAsync();
        while (await reader.ReadAsync())
        {
            noted.Add(UuidBytes.Read(reader.GetFieldValue<byte[]>(0)));
        }

        return noted;
    }

    protected override IExecutionStrategy CreateStrategy() => new TransactionRetries(this);

    protected override object Stored(string comparedText) => ComparedText.ToStored(comparedText);

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
            foreach (var property in entity.GetProperties().Where(property => property.ClrType == typeof(string) && IsCompared(property)))
            {
                property.SetValueConverter(new ComparedText());
                property.SetColumnType(ComparedText.ColumnType);
                property.SetMaxLength(ComparedText.MaxLength);
                property.SetCollation(null);
            }

            // Text outgrows the 900 bytes of a clustered key; any other index holds 1,700.
            if (entity.FindPrimaryKey() is { } key && key.Properties.Any(property => property.ClrType == typeof(string)))
            {
                key.SetIsClustered(false);
            }
        }
    }

    // What is in an index, and workspaces, which are compared without one.
    private static bool IsCompared(IReadOnlyProperty property) =>
        property.IsKey() || property.IsForeignKey() || property.IsIndex() || property.Name is nameof(WorkspaceGrant.Workspace);

    /// <summary>Whether a transaction may read the database as it is at one moment: allowed, or done by itself as Azure SQL does.</summary>
    private async Task<bool> HasSnapshotsAsync(CancellationToken cancellationToken)
    {
        try
        {
            await AtOneMomentAsync(() => RootKeys.AnyAsync(cancellationToken), cancellationToken);
            return true;
        }
        catch (SqlException exception) when (SqlServerFaults.IsSnapshotRefused(exception))
        {
            return false;
        }
    }

    private async Task LeaveSnapshotAsync()
    {
        try
        {
            await using var plain = await Database.BeginTransactionAsync(IsolationLevel.ReadCommitted);
        }
        catch (Exception exception) when (exception is DbException or InvalidOperationException or UnavailableException)
        {
            // The connection is lost and returns to no pool, and perhaps there is no other. What was read, or why not, is what counts.
        }
    }

    /// <summary>
    /// Runs a transaction again that failed in a way that passes: a lost connection, a deadlock, a failover. Not where a commit's answer was lost: what the
    /// audit does not hear of ends as 503.
    /// </summary>
    private sealed class TransactionRetries(DbContext context)
        : SqlServerRetryingExecutionStrategy(context, maxRetryCount: 3, maxRetryDelay: TimeSpan.FromSeconds(1), errorNumbersToAdd: null)
    {
        // A query inside the transaction wraps what it fails with in advice to retry. Lost connections EF Core knows by numbers that only Windows gives them.
        protected override bool ShouldRetryOn(Exception exception) => exception.Find<SqlException>() is { } refused
            ? base.ShouldRetryOn(refused) || SqlServerFaults.IsConnectionLost(refused)
            : SqlServerFaults.IsConnectionClosed(exception) || base.ShouldRetryOn(exception);
    }

    /// <summary>For the command line that makes migrations (eng/reset-migrations, eng/add-migration); it never connects.</summary>
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
