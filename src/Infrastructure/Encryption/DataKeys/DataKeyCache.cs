using Secrets.Domain.Secrets;
using Secrets.Infrastructure.Foundation;

namespace Secrets.Infrastructure.Encryption.DataKeys;

/// <summary>
/// Data keys in memory. Each is forgotten after a while, so that a key that was deleted from the database is gone from every process then.
/// </summary>
internal sealed class DataKeyCache(TimeProvider time)
{
    /// <summary>How long a key is kept after it was read.</summary>
    public static readonly TimeSpan Lifetime = TimeSpan.FromMinutes(5);

    // About 200 bytes each, and one for every owner whose values are opened; those who write have a second.
    private readonly BoundedCache<Guid, Kept> _keys = new(size: 100_000);
    private readonly BoundedCache<SecretOwner, Kept> _current = new(size: 20_000);

    public DataKey? CurrentOf(SecretOwner owner) => _current.TryFind(owner, out var kept) ? Fresh(kept) : null;

    public DataKey? Find(Guid keyId) => _keys.TryFind(keyId, out var kept) ? Fresh(kept) : null;

    public void Add(DataKey key) => _keys.Add(key.Id, new Kept(key, time.GetTimestamp()));

    public void AddCurrent(SecretOwner owner, DataKey key)
    {
        Add(key);
        _current.Add(owner, new Kept(key, time.GetTimestamp()));
    }

    private DataKey? Fresh(Kept kept) => time.GetElapsedTime(kept.Since) < Lifetime ? kept.Key : null;

    private readonly record struct Kept(DataKey Key, long Since);
}
