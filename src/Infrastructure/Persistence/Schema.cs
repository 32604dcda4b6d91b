using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Logging;

namespace Secrets.Infrastructure.Persistence;

/// <summary>Brings the schema up to date, or sees that it is.</summary>
internal sealed partial class Schema(SecretsDbContext db, ILogger<Schema> logger)
{
    /// <summary>Applies every migration that is missing, and allows what the service needs.</summary>
    public async Task MigrateAsync(CancellationToken cancellationToken)
    {
        await db.Database.MigrateAsync(cancellationToken);
        await db.AllowWhatIsNeededAsync(cancellationToken);
    }

    /// <summary>Sees that no migration is missing, and that what the service needs is allowed.</summary>
    /// <exception cref="StartupException">The database is behind.</exception>
    public async Task RequireCurrentAsync(CancellationToken cancellationToken)
    {
        var applied = (await db.Database.GetAppliedMigrationsAsync(cancellationToken)).ToHashSet(StringComparer.Ordinal);
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

        await db.RequireWhatIsNeededAsync(cancellationToken);
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "The database has {Count} migrations that this version does not know: a newer one has run")]
    private partial void Ahead(int count);
}
