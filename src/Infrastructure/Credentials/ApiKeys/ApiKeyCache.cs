using System.Collections.Concurrent;
using Secrets.Application.Common;
using Secrets.Infrastructure.Integrity;
using Secrets.Infrastructure.Persistence;

namespace Secrets.Infrastructure.Credentials.ApiKeys;

/// <summary>
/// Keys whose use was noted within the last minute, for requests that confirm them before anything leaves. What else a row says (its scopes, for
/// example) never changes in the service's hands; whoever edits it in the database is heard within that minute.
/// </summary>
internal sealed class ApiKeyCache(VersionFloors<Guid> seen, TimeProvider time, IAuditStore audit)
{
    /// <summary>How long: whoever goes on using a key is noted in its row once a minute, which takes a look-up.</summary>
    public static readonly TimeSpan Lifetime = ApiKeyLookup.LastUsedPrecision;

    private const int Capacity = 10_000;

    private readonly ConcurrentDictionary<string, Entry> _keys = new(StringComparer.Ordinal);

    /// <summary>The key with that prefix; null: none is remembered.</summary>
    public CachedKey? Find(string prefix) =>
        _keys.TryGetValue(prefix, out var entry)
        && time.GetElapsedTime(entry.Since) < entry.Left
        && seen.Find(entry.Key.Key.UserId).Version <= entry.Key.Version // else this process knows it to be outdated
            ? entry.Key
            : null;

    /// <summary>Remembers a key, where keys can be confirmed.</summary>
    /// <param name="key">The key.</param>
    /// <param name="notedAgo">For how long its row has said that it is used.</param>
    public void Add(CachedKey key, TimeSpan notedAgo)
    {
        if (!audit.CanCheckPreconditions)
        {
            return;
        }

        if (_keys.Count >= Capacity)
        {
            // They come back with their next use. Counting them takes every lock of the dictionary, but only here, once a minute for each key.
            _keys.Clear();
        }

        _keys[key.Key.Prefix] = new Entry(key, time.GetTimestamp(), Lifetime - notedAgo);
    }

    /// <summary>Has the key looked up when it is used next.</summary>
    public void Remove(CachedKey key) => _keys.TryRemove(key.Key.Prefix, out _);

    private sealed record Entry(CachedKey Key, long Since, TimeSpan Left);
}
