using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Secrets.Infrastructure.Foundation;

namespace Secrets.Infrastructure.Persistence;

/// <summary>Brings the schema up to date, or sees that it is.</summary>
internal sealed partial class Schema(SecretsDbContext db, IOptions<DatabaseOptions> options, IHostEnvironment environment, ILogger<Schema> logger)
{
    /// <summary>Applies every migration that is missing, and allows what the service needs.</summary>
    /// <exception cref="StartupException">The database was made before the first release.</exception>
    public async Task MigrateAsync(CancellationToken cancellationToken)
    {
        await ReadAppliedAsync(cancellationToken);

        // An index of a large table takes as long as it takes.
        db.Database.SetCommandTimeout(TimeSpan.Zero);
        await db.Database.MigrateAsync(cancellationToken);
        await db.EnableDatabaseFeaturesAsync(cancellationToken);
    }

    /// <summary>Sees that no migration is missing, that what the service needs is allowed, and that what it commits lasts.</summary>
    /// <exception cref="StartupException">A requirement is not met.</exception>
    public async Task RequireCurrentAsync(CancellationToken cancellationToken)
    {
        var applied = await ReadAppliedAsync(cancellationToken);
        var known = db.Database.GetMigrations().ToList();
        var missing = known.Count(migration => !applied.Contains(migration));
        if (missing > 0)
        {
            throw new StartupException(
                $"The database is {missing} of {known.Count} migrations behind. Run the service once with --migrate, then start it again.");
        }

        applied.ExceptWith(known);
        if (applied.Count > 0)
        {
            Ahead(applied.Count);
        }

        await db.RequireDatabaseFeaturesAsync(cancellationToken);
        try
        {
            await db.RequireDurabilityAsync(cancellationToken);
        }
        catch (StartupException exception) when (options.Value.MayLoseAcknowledgedData ?? !environment.IsProduction())
        {
            Careless(exception.Message);
        }
    }

    /// <summary>The migrations that the database has. Each release begins its history with the same one.</summary>
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

    [LoggerMessage(Level = LogLevel.Warning, Message = "The database has {Count} migrations that this version does not know: a newer one has run")]
    private partial void Ahead(int count);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Reason} Started all the same, as Database:MayLoseAcknowledgedData allows")]
    private partial void Careless(string reason);
}
