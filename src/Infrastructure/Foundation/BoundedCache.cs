using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;

namespace Secrets.Infrastructure.Foundation;

/// <summary>A cache of two generations. An exact least-recently-used order would need about twice the memory.</summary>
/// <param name="size">Entries of one generation. A full young generation replaces the old one; a hit in the old one moves the entry to the young one.</param>
internal sealed class BoundedCache<TKey, TValue>(int size)
    where TKey : notnull
{
    private readonly Lock _lock = new();
    private volatile ConcurrentDictionary<TKey, TValue> _young = new();
    private volatile ConcurrentDictionary<TKey, TValue> _old = new();
    private int _added;

    public bool TryFind(TKey key, [MaybeNullWhen(false)] out TValue value)
    {
        if (_young.TryGetValue(key, out value))
        {
            return true;
        }

        if (!_old.TryGetValue(key, out value))
        {
            return false;
        }

        Add(key, value);
        return true;
    }

    public void Add(TKey key, TValue value)
    {
        _young[key] = value;
        if (Interlocked.Increment(ref _added) < size)
        {
            return;
        }

        lock (_lock)
        {
            if (_added >= size)
            {
                (_old, _young, _added) = (_young, new ConcurrentDictionary<TKey, TValue>(), 0);
            }
        }
    }
}
