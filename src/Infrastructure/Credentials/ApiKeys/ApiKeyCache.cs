using System.Collections.Concurrent;
using Secrets.Infrastructure.Foundation;
using Secrets.Infrastructure.Integrity;

namespace Secrets.Infrastructure.Credentials.ApiKeys;

/// <summary>
/// Caches keys whose use was noted within the last minute. A request validates its cached key before it answers. The service never changes
/// other columns of a key, such as its scopes; an edit in the database is noticed within that minute.
/// </summary>
internal sealed class ApiKeyCache(VersionFloors<Guid> seen, TimeProvider time)
{
    /// <summary>Equal to the last use's precision. If shorter, keys are not cached for the rest of the minute. If longer, the last use is noted late.</summary>
    public static readonly TimeSpan Lifetime = ApiKeyLookup.LastUsedPrecision;

    private const int Capacity = 10_000;

    private static readonly CacheMetrics Lookups = new("api_keys");

    private readonly ConcurrentDictionary<string, Entry> _keys = new(StringComparer.Ordinal);

    /// <summary>Finds a cached key by its prefix.</summary>
    public CachedKey? Find(string prefix)
    {
        var found = FindFresh(prefix);
        Lookups.Count(found is not null);
        return found;
    }

    /// <summary>Caches a key.</summary>
    /// <param name="key">The key.</param>
    /// <param name="notedAgo">The age of the last use in the key's row.</param>
    public void Add(CachedKey key, TimeSpan notedAgo)
    {
        if (_keys.Count >= Capacity)
        {
            // Cleared keys return with their next use. Count takes all locks of the dictionary, but only here, once a minute for each key.
            _keys.Clear();
        }

        _keys[key.Key.Prefix] = new Entry(key, time.GetTimestamp(), Lifetime - notedAgo);
    }

    /// <summary>Removes a key, so that its next use looks it up.</summary>
    public void Remove(CachedKey key) => _keys.TryRemove(key.Key.Prefix, out _);

    private CachedKey? FindFresh(string prefix) =>
        _keys.TryGetValue(prefix, out var entry)
        && time.GetElapsedTime(entry.Since) < entry.Left
        && seen.Find(entry.Key.Key.UserId).Version <= entry.Key.Version // a later version is known: the entry is stale
            ? entry.Key
            : null;

    private sealed record Entry(CachedKey Key, long Since, TimeSpan Left);
}
