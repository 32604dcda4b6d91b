using Secrets.Application.Common;

namespace Secrets.Application.ApiKeys;

/// <summary>
/// A key with all keys that were made with it, transitively. A key and its successor count as one. Revoked keys are part of the lineage,
/// because other keys were made with them.
/// </summary>
internal static class KeyLineage
{
    // SQL Server cannot plan a statement with thousands of values, and the largest lineages are those of leaked keys of backends.
    private const int MaxPerQuery = 200;

    /// <summary>The keys of a lineage, in no particular order.</summary>
    public static async Task<IReadOnlyCollection<ApiKey>> ReadAsync(IQueryable<ApiKey> all, Guid id, CancellationToken cancellationToken)
    {
        var found = new Dictionary<Guid, ApiKey>();
        var next = new List<Guid> { id };
        while (next.Count > 0)
        {
            var asked = next;
            var added = new List<ApiKey>();
            foreach (var some in asked.Chunk(MaxPerQuery).Select(part => part.ToList()))
            {
                var keys = await all
                    .Where(key => some.Contains(key.Id)
                        || (key.CreatedByKey != null && some.Contains(key.CreatedByKey.Value))
                        || (key.ReplacedBy != null && some.Contains(key.ReplacedBy.Value)))
                    .ToListAsync(cancellationToken);
                added.AddRange(keys.Where(key => found.TryAdd(key.Id, key)));
            }

            next = [.. added.Select(key => key.Id).Concat(added.Where(key => key.ReplacedBy is not null).Select(key => key.ReplacedBy!.Value)).Except(asked)];
        }

        return found.Values;
    }

    /// <summary>
    /// The users whose keys must be locked and verified to revoke a lineage: those of its keys, those of the named key according to the audit, and those for whom
    /// the audit says that one of its keys made a key. Otherwise an attacker could remove the row of a key during the revocation and put it back later.
    /// </summary>
    public static async Task<HashSet<Guid>> UsersAsync(ISecretsDb db, Caller caller, Guid id, CancellationToken cancellationToken)
    {
        var lineage = await ReadAsync(db.ApiKeys.AsNoTracking(), id, cancellationToken);
        var users = await db.AuditedUsersAsync(caller, id, cancellationToken);
        users.UnionWith(lineage.Select(key => key.UserId));
        foreach (var makers in lineage.Select(key => key.Id).Chunk(MaxPerQuery).Select(part => part.ToList()))
        {
            users.UnionWith(await db.Audit
                .Where(row => row.Action == AuditAction.KeyCreate && row.OwnerVersion != null && row.TargetKeyUserId != null && row.KeyId != null && makers.Contains(row.KeyId.Value))
                .Select(row => row.TargetKeyUserId!.Value).Distinct().ToListAsync(cancellationToken));
        }

        return users;
    }

    /// <summary>Whether a verified, unrevoked key belongs to the lineage of a key, but the lineage was read without it or with the key as revoked.</summary>
    public static bool Lacks(IReadOnlyCollection<ApiKey> lineage, Guid id, ApiKey verified) => !lineage.Any(key => key.Id == verified.Id && key.RevokedAt is null)
        && (verified.Id == id
            || lineage.Any(key => key.Id == verified.Id || key.Id == verified.CreatedByKey || key.Id == verified.ReplacedBy || key.ReplacedBy == verified.Id));
}
