using Secrets.Infrastructure.Foundation;

namespace Secrets.Infrastructure.Encryption.DataKeys;

/// <summary>Caches unwrapped data keys. Entries expire, so that every process forgets a key soon after its row was deleted.</summary>
internal sealed class DataKeyCache(TimeProvider time)
{
    /// <summary>How long a key stays cached after it was read. <c>DataKeyReplacement.GracePeriod</c> is twice this time.</summary>
    public static readonly TimeSpan Lifetime = TimeSpan.FromMinutes(5);

    private static readonly CacheMetrics Lookups = new("data_keys");

    // An entry takes about 200 bytes. An owner whose values are opened has one; an owner who also writes has two.
    private readonly BoundedCache<Guid, Entry> _keys = new(size: 100_000);
    private readonly BoundedCache<SecretOwner, Entry> _current = new(size: 20_000);

    public DataKey? FindCurrent(SecretOwner owner) => _current.TryFind(owner, out var entry) ? Fresh(entry) : null;

    public DataKey? Find(Guid keyId)
    {
        var found = _keys.TryFind(keyId, out var entry) ? Fresh(entry) : null;
        Lookups.Count(found is not null);
        return found;
    }

    public void Add(DataKey key) => _keys.Add(key.Id, new Entry(key, time.GetTimestamp()));

    public void AddCurrent(SecretOwner owner, DataKey key)
    {
        Add(key);
        _current.Add(owner, new Entry(key, time.GetTimestamp()));
    }

    private DataKey? Fresh(Entry entry) => time.GetElapsedTime(entry.Since) < Lifetime ? entry.Key : null;

    private readonly record struct Entry(DataKey Key, long Since);
}
