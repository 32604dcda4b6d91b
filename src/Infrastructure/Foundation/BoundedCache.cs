using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;

namespace Secrets.Infrastructure.Foundation;

/// <summary>
/// Remembers the last so many entries that were added or asked for, and at most as many from before. What keeps the order in which each was used takes
/// about twice the memory.
/// </summary>
/// <param name="size">Entries of one generation; there are at most two.</param>
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
