using System.Data;
using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Storage;
using Secrets.Application.Common;
using Secrets.Domain.ApiKeys;
using Secrets.Domain.Audit;
using Secrets.Domain.Secrets;
using Secrets.Infrastructure.Audit;
using Secrets.Infrastructure.Encryption;
using Secrets.Infrastructure.Integrity;

namespace Secrets.Infrastructure.Persistence;

/// <summary>
/// The model that every database shares. A provider derives from it and adds what only that provider knows: its collation, its
/// migrations, its errors.
/// </summary>
internal abstract class SecretsDbContext(DbContextOptions options) : DbContext(options), ISecretsDb
{
    private readonly List<AuditEvent> _facts = [];

    public DbSet<Secret> Secrets => Set<Secret>();

    public DbSet<Owner> Owners => Set<Owner>();

    public DbSet<ApiKey> ApiKeys => Set<ApiKey>();

    public DbSet<AuditEntry> Audit => Set<AuditEntry>();

    public DbSet<AuditWriter> AuditWriters => Set<AuditWriter>();

    public DbSet<AuditKeyRow> AuditKeys => Set<AuditKeyRow>();

    public DbSet<DataKeyRow> DataKeys => Set<DataKeyRow>();

    public DbSet<KeyRingRow> KeyRing => Set<KeyRingRow>();

    public DbSet<KeyRotationRow> KeyRotations => Set<KeyRotationRow>();

    public DbSet<RootKeyRow> RootKeys => Set<RootKeyRow>();

    public DbSet<IntegrityKeyRow> IntegrityKeys => Set<IntegrityKeyRow>();

    public DbSet<IntegrityStateRow> IntegrityStates => Set<IntegrityStateRow>();

    /// <summary>What an error of the database means.</summary>
    protected abstract IDatabaseFaults Faults { get; }

    /// <summary>A collation that compares text byte by byte, so that no database folds case or ignores an accent.</summary>
    protected abstract string BinaryCollation { get; }

    /// <summary>Adds bytes ({2}) to the account of an owner ({0}, {1}) where they fit ({3}), and moves its stamp.</summary>
    protected virtual string Charge =>
        "UPDATE owners SET bytes_used = bytes_used + {2}, stamp = stamp + 1 WHERE kind = {0} AND id = {1} AND bytes_used + {2} <= {3}";

    /// <summary>Allows, where it may, what the service needs of the database besides the schema. Part of migrating.</summary>
    public virtual Task AllowWhatIsNeededAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Sees that the database allows what the service needs besides the schema.</summary>
    /// <exception cref="StartupException">It does not.</exception>
    public virtual Task RequireWhatIsNeededAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Sees that what the service commits survives a crash of the database's server.</summary>
    /// <exception cref="StartupException">It need not.</exception>
    public abstract Task RequireDurabilityAsync(CancellationToken cancellationToken);

    public Task<T> InTransactionAsync<T>(Func<CancellationToken, Task<T>> work, CancellationToken cancellationToken) =>
        CreateStrategy().ExecuteAsync(token => RunAsync(work, token), cancellationToken);

    public void Record(AuditEvent fact) => _facts.Add(fact);

    // As SQL, because every write begins with it, and to take an expression of it apart each time costs more than to run it.
    public async Task<bool> ChargeAsync(SecretOwner owner, long bytes, long most, CancellationToken cancellationToken)
    {
        var charged = await Database.ExecuteSqlRawAsync(Charge, [(byte)owner.Kind, Stored(owner.Id), bytes, most], cancellationToken);
        return charged > 0;
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
        Database.AutoSavepointsEnabled = false;
        await using var transaction = await Database.BeginTransactionAsync(cancellationToken);
        try
        {
            var result = await work(cancellationToken);
            await SaveChangesAsync(cancellationToken);
            await this.GetService<AuditWriters>().CommitAsync(this, _facts, transaction);
            return result;
        }
        catch (DbUpdateConcurrencyException)
        {
            throw new ConflictException("The secret was changed at the same moment. Try again.");
        }
        catch (DbUpdateException exception) when (Faults.UniqueIndexOf(exception) is { } index)
        {
            // What an entity owns is written along with it, and named along with it.
            var refused = exception.Entries.Where(entry => !entry.Metadata.IsOwned()).ToList();
            throw new UniqueViolationException(
                Configurations.SecretConfiguration.RuleOf(index), refused.Count == 1 ? refused[0].Entity : null, exception);
        }
    }
}
