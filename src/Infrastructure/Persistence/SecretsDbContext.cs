using System.Data;
using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Metadata;
using Microsoft.EntityFrameworkCore.Storage;
using Secrets.Application.Common;
using Secrets.Domain.ApiKeys;
using Secrets.Domain.Audit;
using Secrets.Domain.Secrets;
using Secrets.Infrastructure.Foundation;
using Secrets.Infrastructure.Persistence.Rows;

namespace Secrets.Infrastructure.Persistence;

/// <summary>
/// The model that every database shares. A provider derives from it and adds what only that provider knows: its collation, its
/// migrations, its errors.
/// </summary>
internal abstract class SecretsDbContext(DbContextOptions options) : DbContext(options)
{
    private readonly List<AuditEvent> _facts = [];

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

    /// <summary>What an error of the database means.</summary>
    public abstract IDatabaseFaults Faults { get; }

    /// <summary>The accounts that the transaction has locked; null: none so far, or no transaction.</summary>
    public ITransactionAccounts? Accounts { get; set; }

    /// <summary>A collation that compares text byte by byte, so that no database folds case or ignores an accent.</summary>
    protected abstract string BinaryCollation { get; }

    /// <summary>Locks the account of an owner ({0}, {1}), and moves its stamp.</summary>
    protected virtual string LockOwner => "UPDATE owners SET stamp = stamp + 1 WHERE kind = {0} AND id = {1}";

    /// <summary>Allows, where it may, what the service needs of the database besides the schema. Part of migrating.</summary>
    public virtual Task EnableDatabaseFeaturesAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Sees that the database allows what the service needs besides the schema.</summary>
    /// <exception cref="StartupException">It does not.</exception>
    public virtual Task RequireDatabaseFeaturesAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Sees that what the service commits survives a crash of the database's server.</summary>
    /// <exception cref="StartupException">It need not.</exception>
    public abstract Task RequireDurabilityAsync(CancellationToken cancellationToken);

    /// <summary>
    /// Notes that API keys were used at a moment, unless a use later than <paramref name="stale"/> is noted already. Leaves out a key that somebody is changing: whoever waited for it would hold
    /// others that a cascade wants.
    /// </summary>
    /// <returns>The keys whose rows were written.</returns>
    public abstract Task<IReadOnlySet<Guid>> NoteUseAsync(IReadOnlyList<Guid> keys, DateTimeOffset now, DateTimeOffset stale);

    public async Task<T> InTransactionAsync<T>(Func<CancellationToken, Task<T>> work, CancellationToken cancellationToken)
    {
        try
        {
            return await CreateStrategy().ExecuteAsync(token => RunAsync(work, token), cancellationToken);
        }
        catch (Exception exception) when (exception is UniqueViolationException { Entity: Owner or KeyAccountRow } or StaleKeyException)
        {
            // Somebody else opened the account at the same moment, or a key was replaced. Now it is there.
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

    public void Record(AuditEvent fact) => _facts.Add(fact);

    /// <summary>Locks the row of an owner until the end of the transaction, and moves its stamp. What the owner has is not looked at.</summary>
    /// <returns>How many rows that are: 0 where there is no such owner.</returns>
    internal Task<int> LockRowAsync(SecretOwner owner, CancellationToken cancellationToken) =>
        // Raw SQL: every write runs this, and translating an expression each time costs more than the statement.
        Database.ExecuteSqlRawAsync(LockOwner, [(byte)owner.Kind, Stored(owner.Id)], cancellationToken);

    public override Task<int> SaveChangesAsync(bool acceptAllChangesOnSuccess, CancellationToken cancellationToken = default)
    {
        Accounts?.Settle();
        return base.SaveChangesAsync(acceptAllChangesOnSuccess, cancellationToken);
    }

    /// <summary>Reads the database as it is at one moment, with as many queries as it takes.</summary>
    public virtual async Task<T> AtOneMomentAsync<T>(Func<Task<T>> read, CancellationToken cancellationToken)
    {
        await using var snapshot = await Database.BeginTransactionAsync(IsolationLevel.Snapshot, cancellationToken);
        return await read();
    }

    /// <summary>Runs a transaction, and again where that may help.</summary>
    protected virtual IExecutionStrategy CreateStrategy() => Database.CreateExecutionStrategy();

    /// <summary>Text of a column that is compared, as a parameter of a statement.</summary>
    protected virtual object Stored(string comparedText) => comparedText;

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
        // A second attempt starts from nothing, and the transaction is all or nothing without savepoints in it.
        ChangeTracker.Clear();
        _facts.Clear();
        Accounts = null;
        Database.AutoSavepointsEnabled = false;
        await using var transaction = await Database.BeginTransactionAsync(cancellationToken);
        try
        {
            var result = await work(cancellationToken);
            await SaveChangesAsync(cancellationToken);
            await this.GetService<IAuditCommit>().CommitAsync(this, Accounts?.WithVersions(_facts, this.GetService<TimeProvider>().GetUtcNow()) ?? _facts, transaction);
            Accounts?.Committed();
            return result;
        }
        catch (DbUpdateConcurrencyException)
        {
            throw new ConflictException("The secret was changed at the same moment. Try again.");
        }
        catch (DbUpdateException exception) when (Faults.UniqueIndexOf(exception) is { } index)
        {
            // The account is written along with what is refused.
            var refused = exception.Entries.Where(entry => HasUniqueRule(entry.Metadata, index)).ToList();
            throw new UniqueViolationException(
                Configurations.SecretConfiguration.RuleOf(index), refused.Count == 1 ? refused[0].Entity : null, exception);
        }
        finally
        {
            Accounts = null;
        }
    }

    private static bool HasUniqueRule(IEntityType entity, string index) =>
        string.Equals(entity.FindPrimaryKey()?.GetName(), index, StringComparison.Ordinal)
        || entity.GetIndexes().Any(other => string.Equals(other.GetDatabaseName(), index, StringComparison.Ordinal));
}
