namespace Secrets.Infrastructure.Persistence;

/// <summary>
/// Marks a migration that replicas of the version before cannot work with, for example one that drops a column that they read. <c>migrate --finish</c> applies it
/// after the last of these replicas has ended (docs/decisions/0025-two-versions-share-a-database.md). The finishing migrations of a version are its last ones, and
/// have no <c>Down</c>: nothing undoes them.
/// </summary>
[AttributeUsage(AttributeTargets.Class)]
internal sealed class FinishesUpgradeAttribute : Attribute;

/// <summary>What a run of <c>migrate</c> did.</summary>
/// <param name="Applied">The applied migrations.</param>
/// <param name="Waiting">The finishing migrations that wait for <c>migrate --finish</c>.</param>
public sealed record Migrated(IReadOnlyList<string> Applied, IReadOnlyList<string> Waiting);

/// <summary>The migrations that a database lacks.</summary>
/// <param name="Required">Those without which this version does not start.</param>
/// <param name="Finishing">Those at the end that finish the upgrade to this version.</param>
/// <param name="SkipsAnUpgrade">Whether an earlier upgrade was not finished, so that replicas of a version before the previous one may run.</param>
internal sealed record MissingMigrations(IReadOnlyList<string> Required, IReadOnlyList<string> Finishing, bool SkipsAnUpgrade)
{
    /// <summary>Compares a database with the migrations of this version.</summary>
    /// <param name="known">The migrations of this version, in order.</param>
    /// <param name="applied">The ids of the migrations of the database.</param>
    public static MissingMigrations Of(IReadOnlyList<(string Id, bool FinishesUpgrade)> known, IReadOnlySet<string> applied)
    {
        var required = known.Count;
        while (required > 0 && known[required - 1].FinishesUpgrade)
        {
            required--;
        }

        var missing = known.Take(required).Where(migration => !applied.Contains(migration.Id)).ToList();
        return new MissingMigrations(
            missing.ConvertAll(migration => migration.Id),
            [.. known.Skip(required).Select(migration => migration.Id).Where(id => !applied.Contains(id))],
            SkipsAnUpgrade: applied.Count > 0 && missing.Exists(migration => migration.FinishesUpgrade));
    }
}
