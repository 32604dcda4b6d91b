using Microsoft.EntityFrameworkCore.Infrastructure;
using Secrets.Infrastructure.Persistence;
using Secrets.Infrastructure.Persistence.Rows;

namespace Secrets.Infrastructure.Integrity;

/// <summary>Lists and verifies all owners, whether or not their rows are there.</summary>
internal static partial class AllOwners
{
    // Each may have 10,000 secrets.
    private const int OwnersAtOnce = 20;

    /// <summary>The owners that have a row or are in the audit.</summary>
    public static async Task<List<SecretOwner>> ReadAsync(SecretsDbContext db, CancellationToken cancellationToken)
    {
        var stored = await db.Owners.Select(owner => new { Kind = (OwnerKind?)owner.Kind, owner.Id }).ToListAsync(cancellationToken);
        var audited = await db.Audit
            .Where(row => row.OwnerVersion != null && row.TargetKeyUserId == null && row.OwnerId != null)
            .Where(row => row.OwnerKind == OwnerKind.User || row.OwnerKind == OwnerKind.Organization)

            // SQL Server ignores blanks at the end. With a last character, the texts have none.
            .GroupBy(row => new { row.OwnerKind, row.OwnerId, Exact = row.OwnerId + "|" })
            .Select(rows => new { Kind = rows.Key.OwnerKind, Id = rows.Key.OwnerId! })
            .ToListAsync(cancellationToken);

        // Here and not in the database, for the same reason.
        return [.. stored.Union(audited).Select(owner => new SecretOwner(owner.Kind!.Value, owner.Id))];
    }

    /// <summary>Whether all owners verify, and a rotation is done for each of their data keys. Otherwise the log names an owner.</summary>
    /// <param name="db">Must not be in a transaction.</param>
    /// <param name="isDone">Whether the rotation is done for a verified data key.</param>
    /// <param name="cancellationToken">Cancels between reads.</param>
    public static async Task<bool> AreDoneAsync(SecretsDbContext db, Func<DataKeyRow, bool> isDone, CancellationToken cancellationToken)
    {
        var reader = db.GetService<OwnerReader>();
        foreach (var owners in (await ReadAsync(db, cancellationToken)).Chunk(OwnersAtOnce))
        {
            var verified = await reader.ReadAsync(db, owners);
            for (var at = 0; at < owners.Length; at++)
            {
                if (verified[at] is not { } owner || !owner.DataKeys.All(isDone))
                {
                    NotDone(db.GetService<ILoggerFactory>().CreateLogger(typeof(AllOwners)), owners[at].ToString());
                    return false;
                }
            }
        }

        return true;
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "Old keys are not removed: {Owner} is in quarantine, does not verify, or has a data key that needs one of them")]
    private static partial void NotDone(ILogger logger, string owner);
}
