using System.Data;
using System.Text.Json;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Metadata;
using Microsoft.EntityFrameworkCore.Storage;
using Secrets.Domain.ApiKeys;
using Secrets.Infrastructure.Foundation;
using Secrets.Infrastructure.Persistence.Rows;

namespace Secrets.Infrastructure.Persistence;

/// <summary>The model of all databases. A provider derives from it and adds its collation, its migrations and its error codes.</summary>
internal abstract class SecretsDbContext(DbContextOptions options) : DbContext(options)
{
    private readonly List<AuditEvent> _auditEvents = [];

    public DbSet<Secret> Secrets => Set<Secret>();

    public DbSet<Owner> Owners => Set<Owner>();

    public DbSet<ApiKey> ApiKeys => Set<ApiKey>();

    public DbSet<KeyAccountRow> KeyAccounts => Set<KeyAccountRow>();

    public DbSet<AuditEntry> Audit => Set<AuditEntry>();

    public DbSet<AuditWriter> AuditWriters => Set<AuditWriter>();

    public DbSet<AuditKeyRow> AuditKeys => Set<AuditKeyRow>();

    public DbSet<DataKeyRow> DataKeys => Set<DataKeyRow>();

    public DbSet<KeyRingRow> KeyRing => Set<KeyRingRow>();

    public DbSet<KeyRotationRow> KeyRotations => Set<KeyRotationRow>();

    public DbSet<RootKeyRow> RootKeys => Set<RootKeyRow>();

    public DbSet<IntegrityKeyRow> IntegrityKeys => Set<IntegrityKeyRow>();

    public DbSet<KeyStateRow> KeyState => Set<KeyStateRow>();

    /// <summary>Classifies the provider's exceptions.</summary>
    public abstract IDatabaseFaults Faults { get; }

    /// <summary>The accounts that the transaction has locked; null if there are none.</summary>
    public ITransactionAccounts? Accounts { get; set; }

    /// <summary>A collation that compares text byte by byte, so that no database ignores case or accents.</summary>
    protected abstract string BinaryCollation { get; }

    private IEnumerable<(string Name, string Table)> UniqueIndexes => Model.GetEntityTypes().SelectMany(entity =>
        entity.GetIndexes().Where(index => index.IsUnique).Select(index => (index.GetDatabaseName()!, entity.GetTableName()!)));

    private IEnumerable<string> UniqueRules => UniqueIndexes.Select(index => index.Name).Concat(Model.GetEntityTypes().Select(entity => entity.FindPrimaryKey()!.GetName()!));

    /// <summary>SQL that locks the row of an owner (kind {0}, id {1}) and increments its stamp.</summary>
    protected virtual string LockOwner => "UPDATE owners SET stamp = stamp + 1 WHERE kind = {0} AND id = {1}";

    /// <summary>Verifies that the database server reads what the service sends.</summary>
    /// <exception cref="StartupException">It reads something differently.</exception>
    public virtual Task RequireServerAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Enables the database features that the service needs, if the user may. Part of migrating.</summary>
    public virtual Task EnableDatabaseFeaturesAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Verifies that the database features which the service needs are enabled.</summary>
    /// <exception cref="StartupException">A feature is disabled.</exception>
    public virtual Task RequireDatabaseFeaturesAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Verifies that the database server finds a plan for each statement whose hints could leave it without one.</summary>
    /// <exception cref="StartupException">It refuses a statement.</exception>
    public virtual Task RequirePlansAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>
    /// Finds a table that is not a plain table of the service: a view, a synonym, a parent of other tables, or a table with a rule or a row policy. Such a table can
    /// show each statement other rows, so that what one statement verifies says nothing about the next (docs/decisions/0020-the-database-is-not-trusted.md).
    /// </summary>
    /// <returns>A sentence; null: all tables are plain.</returns>
    public async Task<string?> FindDisguisedTableAsync(CancellationToken cancellationToken)
    {
        var tables = Model.GetEntityTypes().Select(entity => entity.GetTableName()!).Distinct(StringComparer.Ordinal).ToList();
        return await ReadDisguisedTableAsync(tables, cancellationToken) is { } table
            ? $"{table} is not a plain table any more: a view, an inherited table, a rule or a row policy could show each statement other rows. Restore the table that `Secrets.Api migrate` made."
            : null;
    }

    /// <summary>Verifies that commits survive a crash of the database server.</summary>
    /// <exception cref="StartupException">A setting of the database weakens durability.</exception>
    public abstract Task RequireDurabilityAsync(CancellationToken cancellationToken);

    /// <summary>Opens the connections that the first requests need, if the driver opens them too slowly for a burst.</summary>
    public virtual Task WarmAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>
    /// Notes the use of API keys, unless a use later than <paramref name="stale"/> is noted. Skips keys locked by another transaction: waiting for one
    /// while holding the locks of others could deadlock with a cascade.
    /// </summary>
    /// <returns>The keys whose use was noted.</returns>
    public abstract Task<IReadOnlySet<Guid>> NoteUseAsync(IReadOnlyList<Guid> keys, DateTimeOffset now, DateTimeOffset stale);

    public async Task<T> InTransactionAsync<T>(Func<CancellationToken, Task<T>> work, CancellationToken cancellationToken)
    {
        try
        {
            return await CreateStrategy().ExecuteAsync(token => RunAsync(work, token), cancellationToken);
        }
        catch (Exception exception) when (exception is UniqueViolationException { Entity: Owner or KeyAccountRow } or StaleKeyException)
        {
            // Another transaction created the account or replaced the integrity key. A retry sees that.
            try
            {
                return await CreateStrategy().ExecuteAsync(token => RunAsync(work, token), cancellationToken);
            }
            catch (StaleKeyException)
            {
                throw new UnavailableException();
            }
        }
    }

    public void Record(AuditEvent auditEvent) => _auditEvents.Add(auditEvent);

    /// <summary>Locks the row of an owner until the end of the transaction and increments its stamp. Verifies nothing.</summary>
    /// <returns>The number of rows: 0 if the owner does not exist.</returns>
    internal Task<int> LockRowAsync(SecretOwner owner, CancellationToken cancellationToken) =>
        // Raw SQL: every write runs this, and translating an expression each time costs more than the statement.
        Database.ExecuteSqlRawAsync(LockOwner, [(byte)owner.Kind, owner.Id], cancellationToken);

    public override async Task<int> SaveChangesAsync(bool acceptAllChangesOnSuccess, CancellationToken cancellationToken = default)
    {
        try
        {
            Accounts?.Settle();
            return await base.SaveChangesAsync(acceptAllChangesOnSuccess, cancellationToken);
        }
        catch (Exception exception) when (Accounts is { } accounts && exception is TamperedOwnerException or DbUpdateConcurrencyException)
        {
            // The accounts are locked, so no write of the service came between.
            await accounts.ReportAsync();
            throw new TamperedOwnerException();
        }
    }

    /// <summary>Runs several queries on one snapshot of the database.</summary>
    public virtual async Task<T> InSnapshotAsync<T>(Func<Task<T>> read, CancellationToken cancellationToken)
    {
        await using var snapshot = await Database.BeginTransactionAsync(IsolationLevel.Snapshot, cancellationToken);
        return await read();
    }

    /// <summary>The first of some tables that is not plain; null: all are.</summary>
    protected abstract Task<string?> ReadDisguisedTableAsync(List<string> tables, CancellationToken cancellationToken);

    /// <summary>Reads the names of all unique indexes that are in use.</summary>
    protected abstract Task<List<string>> ReadUniqueIndexesAsync(CancellationToken cancellationToken);

    /// <summary>The provider's strategy for retries of transactions.</summary>
    protected virtual IExecutionStrategy CreateStrategy() => Database.CreateExecutionStrategy();

    protected override void ConfigureConventions(ModelConfigurationBuilder configurationBuilder) =>
        configurationBuilder.Properties<string>().UseCollation(BinaryCollation);

    protected override void OnModelCreating(ModelBuilder modelBuilder)
    {
        modelBuilder.ApplyConfigurationsFromAssembly(typeof(SecretsDbContext).Assembly);
        foreach (var entity in modelBuilder.Model.GetEntityTypes())
        {
            entity.FindPrimaryKey()?.SetName($"pk_{entity.GetTableName()}");
            foreach (var property in entity.GetProperties())
            {
                property.SetColumnName(JsonNamingPolicy.SnakeCaseLower.ConvertName(property.Name));
            }
        }
    }

    private async Task<T> RunAsync<T>(Func<CancellationToken, Task<T>> work, CancellationToken cancellationToken)
    {
        // A retry starts from scratch. Savepoints would only cost round trips: the transaction is all or nothing.
        ChangeTracker.Clear();
        _auditEvents.Clear();
        Accounts = null;
        Database.AutoSavepointsEnabled = false;
        await using var transaction = await Database.BeginTransactionAsync(cancellationToken);
        try
        {
            var result = await work(cancellationToken);
            await SaveChangesAsync(cancellationToken);
            await this.GetService<IAuditCommit>().CommitAsync(this, Accounts?.WithVersions(_auditEvents, this.GetService<TimeProvider>().GetUtcNow()) ?? _auditEvents, transaction);
            Accounts?.Committed();
            return result;
        }
        catch (DbUpdateConcurrencyException)
        {
            throw new ConflictException("The data was changed at the same moment. Try again.");
        }
        catch (DbUpdateException exception) when (Faults.UniqueIndexOf(exception, UniqueRules) is { } index)
        {
            // The exception also lists the account, which is saved with the refused row.
            var refused = exception.Entries.Where(entry => HasUniqueRule(entry.Metadata, index)).ToList();
            throw new UniqueViolationException(
                Configurations.SecretConfiguration.RuleOf(index), refused.Count == 1 ? refused[0].Entity : null, exception);
        }
        finally
        {
            Accounts = null;
        }
    }

    /// <summary>Verifies that every unique index is there and in use. Without one, two concurrent creates of a name could both succeed.</summary>
    /// <exception cref="StartupException">An index is missing, disabled or not unique.</exception>
    public async Task RequireUniqueIndexesAsync(CancellationToken cancellationToken)
    {
        var found = await ReadUniqueIndexesAsync(cancellationToken);

        // Babelfish appends the name of the table and a hash to the name of an index.
        var missing = UniqueIndexes.FirstOrDefault(index => !found.Exists(name =>
            string.Equals(name, index.Name, StringComparison.Ordinal) || name.StartsWith($"{index.Name}{index.Table}", StringComparison.Ordinal)));
        if (missing.Name is not null)
        {
            throw new StartupException(
                $"The unique index {missing.Name} on {missing.Table} is missing, disabled or not unique. Run its CREATE UNIQUE INDEX statement in docs/sql "
                + "by hand, after you drop an index of that name: the script as a whole skips migrations that are recorded.");
        }
    }

    private static bool HasUniqueRule(IEntityType entity, string index) =>
        string.Equals(entity.FindPrimaryKey()?.GetName(), index, StringComparison.Ordinal)
        || entity.GetIndexes().Any(other => string.Equals(other.GetDatabaseName(), index, StringComparison.Ordinal));
}
