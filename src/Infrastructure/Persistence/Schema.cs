using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;
using Microsoft.EntityFrameworkCore.Storage;
using Microsoft.Extensions.Hosting;
using Secrets.Infrastructure.Foundation;

namespace Secrets.Infrastructure.Persistence;

/// <summary>Migrates the schema, or verifies that it is current.</summary>
internal sealed partial class Schema(SecretsDbContext db, IOptions<DatabaseOptions> options, IHostEnvironment environment, ILogger<Schema> logger)
{
    /// <summary>Applies missing migrations and enables the database features that the service needs.</summary>
    /// <param name="createsDatabase">Whether to create a database that does not exist.</param>
    /// <param name="finishes">Whether no replica of an older version runs any more, so that finishing migrations can be applied too (<see cref="FinishesUpgradeAttribute"/>).</param>
    /// <param name="cancellationToken">Cancels between migrations.</param>
    /// <returns>The migrations that were missing.</returns>
    /// <exception cref="StartupException">The database does not exist, was made before the first release, or an earlier upgrade is not finished.</exception>
    public async Task<Migrated> MigrateAsync(bool createsDatabase, bool finishes, CancellationToken cancellationToken)
    {
        if (!createsDatabase || await db.GetService<IRelationalDatabaseCreator>().ExistsAsync(cancellationToken))
        {
            await RequireDatabaseAsync(cancellationToken);
            await db.RequireServerAsync(cancellationToken);
        }

        var applied = await ReadAppliedAsync(cancellationToken);
        var missing = MissingMigrations.Of(Known(), applied);
        if (missing.SkipsAnUpgrade)
        {
            throw new StartupException("An earlier upgrade of the database is not finished. Run `Secrets.Api migrate --finish` of the version that it was upgraded to, then migrate to this one.");
        }

        // Indexing a large table may take hours.
        db.Database.SetCommandTimeout(TimeSpan.Zero);

        // No older replica uses a database without tables.
        var appliesAll = finishes || applied.Count == 0;
        if (appliesAll)
        {
            await db.Database.MigrateAsync(cancellationToken);
        }
        else if (missing.Required.Count > 0)
        {
            await db.Database.MigrateAsync(missing.Required[^1], cancellationToken);
        }

        await db.EnableDatabaseFeaturesAsync(cancellationToken);
        await db.RequireUniqueIndexesAsync(cancellationToken);
        return appliesAll ? new Migrated([.. missing.Required, .. missing.Finishing], []) : new Migrated(missing.Required, missing.Finishing);
    }

    /// <summary>
    /// Verifies that no migration and no unique index is missing, that the server reads what is sent, that the required features are enabled, that all tables are
    /// plain, and that commits are durable.
    /// </summary>
    /// <exception cref="StartupException">A requirement is not met.</exception>
    public async Task RequireCurrentAsync(CancellationToken cancellationToken)
    {
        await RequireDatabaseAsync(cancellationToken);
        var applied = await ReadAppliedAsync(cancellationToken);
        var known = Known();
        var missing = MissingMigrations.Of(known, applied);
        if (missing.Required.Count > 0)
        {
            throw new StartupException(
                applied.Count == 0
                    ? "The database has no tables yet. Run `Secrets.Api migrate` once, then start it again."
                    : $"The database is {missing.Required.Count} of {known.Count} migrations behind. Run `Secrets.Api migrate` once, then start it again.");
        }

        if (missing.Finishing.Count > 0)
        {
            UpgradeNotFinished();
        }

        applied.ExceptWith(known.Select(migration => migration.Id));
        if (applied.Count > 0)
        {
            MigratedByNewerVersion(applied.Count);
        }

        await db.RequireDatabaseFeaturesAsync(cancellationToken);
        await db.RequireServerAsync(cancellationToken);
        await db.RequireUniqueIndexesAsync(cancellationToken);
        await db.RequirePlansAsync(cancellationToken);
        if (await db.FindDisguisedTableAsync(cancellationToken) is { } disguised)
        {
            throw new StartupException(disguised);
        }

        try
        {
            await db.RequireDurabilityAsync(cancellationToken);
        }
        catch (StartupException exception) when (MayLoseData)
        {
            StartedWithoutDurability(exception.Message);
        }
    }

    /// <summary>Finds a requirement that the start verified and that the database no longer meets: plain tables, durable commits. Null: it meets both.</summary>
    public async Task<string?> FindChangeAsync(CancellationToken cancellationToken)
    {
        try
        {
            if (!MayLoseData)
            {
                await db.RequireDurabilityAsync(cancellationToken);
            }

            return await db.FindDisguisedTableAsync(cancellationToken);
        }
        catch (StartupException exception)
        {
            return exception.Message;
        }
    }

    private bool MayLoseData => options.Value.MayLoseAcknowledgedData ?? !environment.IsProduction();

    private List<(string Id, bool FinishesUpgrade)> Known() =>
        [.. db.GetService<IMigrationsAssembly>().Migrations.Select(migration => (migration.Key, migration.Value.IsDefined(typeof(FinishesUpgradeAttribute), inherit: false)))];

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

    [LoggerMessage(Level = LogLevel.Information, Message = "The upgrade to this version is not finished. After the last replica of the older version has ended, run `Secrets.Api migrate --finish`")]
    private partial void UpgradeNotFinished();

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Reason} The service starts anyway because Database:MayLoseAcknowledgedData allows it")]
    private partial void StartedWithoutDurability(string reason);
}
