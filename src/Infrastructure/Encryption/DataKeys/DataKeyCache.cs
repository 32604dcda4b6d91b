using Secrets.Domain.Secrets;
using Secrets.Infrastructure.Foundation;

namespace Secrets.Infrastructure.Encryption.DataKeys;

/// <summary>
/// Data keys in memory. Each is forgotten after a while, so that a key that was deleted from the database is gone from every process then.
/// </summary>
internal sealed class DataKeyCache(TimeProvider time)
{
    /// <summary>How long a key is entry after it was read.</summary>
    public static readonly TimeSpan Lifetime = TimeSpan.FromMinutes(5);

    // About 200 bytes each, and one for every owner whose values are opened; those who write have a second.
    private readonly BoundedCache<Guid, Entry> _keys = new(size: 100_000);
    private readonly BoundedCache<SecretOwner, Entry> _current = new(size: 20_000);

    public DataKey? FindCurrent(SecretOwner owner) => _current.TryFind(owner, out var entry) ? Fresh(entry) : null;

    public DataKey? Find(Guid keyId) => _keys.TryFind(keyId, out var entry) ? Fresh(entry) : null;

    public void Add(DataKey key) => _keys.Add(key.Id, new Entry(key, time.GetTimestamp()));

    public void AddCurrent(SecretOwner owner, DataKey key)
    {
        Add(key);
        _current.Add(owner, new Entry(key, time.GetTimestamp()));
    }

    private DataKey? Fresh(Entry entry) => time.GetElapsedTime(entry.Since) < Lifetime ? entry.Key : null;

    private readonly record struct Entry(DataKey Key, long Since);
}
