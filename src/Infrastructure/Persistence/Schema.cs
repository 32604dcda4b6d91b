using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Storage;
using Microsoft.Extensions.Hosting;
using Secrets.Infrastructure.Foundation;

namespace Secrets.Infrastructure.Persistence;

/// <summary>Migrates the schema, or verifies that it is current.</summary>
internal sealed partial class Schema(SecretsDbContext db, IOptions<DatabaseOptions> options, IHostEnvironment environment, ILogger<Schema> logger)
{
    /// <summary>Applies missing migrations and enables the database features that the service needs.</summary>
    /// <param name="createsDatabase">Whether to create a database that does not exist.</param>
    /// <param name="cancellationToken">Cancels between migrations.</param>
    /// <returns>The migrations that were missing.</returns>
    /// <exception cref="StartupException">The database does not exist, or was made before the first release.</exception>
    public async Task<IReadOnlyList<string>> MigrateAsync(bool createsDatabase, CancellationToken cancellationToken)
    {
        if (!createsDatabase || await db.GetService<IRelationalDatabaseCreator>().ExistsAsync(cancellationToken))
        {
            await RequireDatabaseAsync(cancellationToken);
            await db.RequireServerAsync(cancellationToken);
        }

        var applied = await ReadAppliedAsync(cancellationToken);
        var missing = db.Database.GetMigrations().Where(migration => !applied.Contains(migration)).ToList();

        // Indexing a large table may take hours.
        db.Database.SetCommandTimeout(TimeSpan.Zero);
        await db.Database.MigrateAsync(cancellationToken);
        await db.EnableDatabaseFeaturesAsync(cancellationToken);
        await db.RequireUniqueIndexesAsync(cancellationToken);
        return missing;
    }

    /// <summary>
    /// Verifies that no migration and no unique index is missing, that the server reads what is sent, that the required features are enabled, and that commits
    /// are durable.
    /// </summary>
    /// <exception cref="StartupException">A requirement is not met.</exception>
    public async Task RequireCurrentAsync(CancellationToken cancellationToken)
    {
        await RequireDatabaseAsync(cancellationToken);
        var applied = await ReadAppliedAsync(cancellationToken);
        var known = db.Database.GetMigrations().ToList();
        var missing = known.Count(migration => !applied.Contains(migration));
        if (missing > 0)
        {
            throw new StartupException(
                applied.Count == 0
                    ? "The database has no tables yet. Run `Secrets.Api migrate` once, then start it again."
                    : $"The database is {missing} of {known.Count} migrations behind. Run `Secrets.Api migrate` once, then start it again.");
        }

        applied.ExceptWith(known);
        if (applied.Count > 0)
        {
            MigratedByNewerVersion(applied.Count);
        }

        await db.RequireDatabaseFeaturesAsync(cancellationToken);
        await db.RequireServerAsync(cancellationToken);
        await db.RequireUniqueIndexesAsync(cancellationToken);
        await db.RequirePlansAsync(cancellationToken);
        try
        {
            await db.RequireDurabilityAsync(cancellationToken);
        }
        catch (StartupException exception) when (options.Value.MayLoseAcknowledgedData ?? !environment.IsProduction())
        {
            StartedWithoutDurability(exception.Message);
        }
    }

    /// <summary>Opens a connection, which fails if there is no database. EF Core would take a missing database for an empty one, and create it.</summary>
    private async Task RequireDatabaseAsync(CancellationToken cancellationToken)
    {
        await db.Database.OpenConnectionAsync(cancellationToken);
        await db.Database.CloseConnectionAsync();
    }

    /// <summary>Reads the applied migrations. The history of every release starts with the same migration.</summary>
    /// <exception cref="StartupException">The database was made before the first release.</exception>
    private async Task<HashSet<string>> ReadAppliedAsync(CancellationToken cancellationToken)
    {
        var applied = (await db.Database.GetAppliedMigrationsAsync(cancellationToken)).ToHashSet(StringComparer.Ordinal);
        var first = db.Database.GetMigrations().First();
        return applied.Count == 0 || string.Equals(applied.Min(StringComparer.Ordinal), first, StringComparison.Ordinal)
            ? applied
            : throw new StartupException(
                $"The database was made by a version before the first release, and cannot be upgraded: its migrations begin with {applied.Min(StringComparer.Ordinal)}, "
                + $"those of this version with {first}. Use a new database (with the embedded one, another Embedded:DataDirectory); nothing was changed in this one.");
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "The database has {Count} migrations that this version does not know: a newer version of the service has migrated it")]
    private partial void MigratedByNewerVersion(int count);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Reason} The service starts anyway because Database:MayLoseAcknowledgedData allows it")]
    private partial void StartedWithoutDurability(string reason);
}
