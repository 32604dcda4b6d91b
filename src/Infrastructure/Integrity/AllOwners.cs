using Secrets.Infrastructure.Persistence;

namespace Secrets.Infrastructure.Integrity;

/// <summary>Lists owners whether or not their rows are there.</summary>
internal static class AllOwners
{
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
}
