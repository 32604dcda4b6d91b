using System.Collections.Concurrent;
using Secrets.Domain.Secrets;

namespace Secrets.Infrastructure.Encryption;

/// <summary>
/// Data keys in memory. Each is forgotten after a while, so that a key that was deleted from the database is gone from every process then.
/// </summary>
internal sealed class DataKeyCache(TimeProvider time)
{
    /// <summary>How long a key is kept after it was read.</summary>
    public static readonly TimeSpan Lifetime = TimeSpan.FromMinutes(5);

    // About 200 bytes each, and one for every owner whose values are opened; those who write have a second.
    private readonly Generations<Guid> _keys = new(size: 100_000);
    private readonly Generations<SecretOwner> _current = new(size: 20_000);

    public DataKey? CurrentOf(SecretOwner owner) => Fresh(_current.Find(owner));

    public DataKey? Find(Guid keyId) => Fresh(_keys.Find(keyId));

    public void Add(DataKey key) => _keys.Add(key.Id, new Kept(key, time.GetTimestamp()));

    public void AddCurrent(SecretOwner owner, DataKey key)
    {
        Add(key);
        _current.Add(owner, new Kept(key, time.GetTimestamp()));
    }

    private DataKey? Fresh(Kept? kept) => kept is { } found && time.GetElapsedTime(found.Since) < Lifetime ? found.Key : null;

    private readonly record struct Kept(DataKey Key, long Since);

    /// <summary>
    /// The last so many that were asked for, and at most as many from before. A cache that keeps the order in which each was used takes about twice the memory.
    /// </summary>
    private sealed class Generations<TIndex>(int size)
        where TIndex : notnull
    {
        private readonly Lock _lock = new();
        private volatile ConcurrentDictionary<TIndex, Kept> _young = new();
        private volatile ConcurrentDictionary<TIndex, Kept> _old = new();
        private int _added;

        public Kept? Find(TIndex index)
        {
            if (_young.TryGetValue(index, out var kept))
            {
                return kept;
            }

            if (!_old.TryGetValue(index, out kept))
            {
                return null;
            }

            Add(index, kept);
            return kept;
        }

        public void Add(TIndex index, Kept kept)
        {
            _young[index] = kept;
            if (Interlocked.Increment(ref _added) < size)
            {
                return;
            }

            lock (_lock)
            {
                if (_added >= size)
                {
                    (_old, _young, _added) = (_young, new ConcurrentDictionary<TIndex, Kept>(), 0);
                }
            }
        }
    }
}
