namespace Secrets.Application.ApiKeys;

/// <summary>
/// A key with all keys that were made with it, transitively. A key and its successor count as one. Revoked keys are part of the lineage,
/// because other keys were made with them.
/// </summary>
internal static class KeyLineage
{
    /// <summary>The keys of a lineage, in no particular order.</summary>
    public static async Task<IReadOnlyCollection<ApiKey>> ReadAsync(IQueryable<ApiKey> all, Guid id, CancellationToken cancellationToken)
    {
        var found = new Dictionary<Guid, ApiKey>();
        var next = new List<Guid> { id };
        while (next.Count > 0)
        {
            var asked = next;
            var keys = await all
                .Where(key => asked.Contains(key.Id)
                    || (key.CreatedByKey != null && asked.Contains(key.CreatedByKey.Value))
                    || (key.ReplacedBy != null && asked.Contains(key.ReplacedBy.Value)))
                .ToListAsync(cancellationToken);
            var added = keys.Where(key => found.TryAdd(key.Id, key)).ToList();
            next = [.. added.Select(key => key.Id).Concat(added.Where(key => key.ReplacedBy is not null).Select(key => key.ReplacedBy!.Value)).Except(asked)];
        }

        return found.Values;
    }
}
