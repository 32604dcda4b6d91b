using System.Collections.Concurrent;
using Secrets.Infrastructure.Foundation;
using Secrets.Infrastructure.Integrity;

namespace Secrets.Infrastructure.Resolution;

/// <summary>Caches owners' secrets (sealed) in bounded memory. A cached owner may be stale: callers must validate its stamp before they answer.</summary>
internal sealed class OwnerCache
{
    private const string Name = "owners";

    /// <summary>
    /// How long an owner is cached. Every write of the service changes the stamp, and so do updates and deletes outside the service. The limit is for a
    /// database whose stamp triggers were disabled, or which was restored to an earlier state.
    /// </summary>
    public static readonly TimeSpan Lifetime = TimeSpan.FromMinutes(5);

    // One owner may take a quarter of the memory. Larger owners are not cached.
    private const int MaxShare = 4;

    // Bytes of an entry besides its packed secrets: objects, owner id, dictionary slot.
    private const int Overhead = 250;

    private static readonly CacheMetrics Lookups = new(Name);
    private static readonly WatchedGauge Sizes = new("secrets.cache.size", "By", "Bytes in a cache", "secrets.cache");

    private readonly VersionFloors<SecretOwner> _versionFloors;
    private readonly TimeProvider _time;
    private readonly long _limit;
    private readonly ConcurrentDictionary<SecretOwner, Entry> _entries = new();
    private readonly Lock _sweeping = new();
    private long _size;

    public OwnerCache(IOptions<ResolutionOptions> options, VersionFloors<SecretOwner> versionFloors, TimeProvider time)
    {
        (_limit, _versionFloors, _time) = (options.Value.MemoryBytes, versionFloors, time);
        Sizes.Watch(this, Name, () => Volatile.Read(ref _size));
    }

    /// <summary>The cached owner; null: not cached, expired or known to be stale.</summary>
    public CachedOwner? Find(SecretOwner owner)
    {
        // Check the version floor too: if somebody rolled the row back, its stamp could match the stale entry again.
        if (!_entries.TryGetValue(owner, out var entry)
            || _time.GetElapsedTime(entry.Since) >= Lifetime
            || _versionFloors.Find(owner).Version > entry.Owner.Version)
        {
            Lookups.Count(isHit: false);
            return null;
        }

        Lookups.Count(isHit: true);
        entry.WasUsed = true;
        return entry.Owner;
    }

    public void Add(SecretOwner owner, CachedOwner cached)
    {
        if (_limit == 0 || cached.Packed.Length > _limit / MaxShare)
        {
            return;
        }

        // Most owners are unchanged. Keep the old array then: the garbage collector handles old objects more cheaply than new ones.
        var isKnown = _entries.TryGetValue(owner, out var known) && cached.IsSameAs(known.Owner);
        var entry = new Entry(isKnown ? known!.Owner : cached, _time.GetTimestamp());
        var added = 0;
        _entries.AddOrUpdate(
            owner,
            _ =>
            {
                added = entry.Size;
                return entry;
            },
            (_, before) =>
            {
                added = entry.Size - before.Size;
                return entry;
            });
        if (Interlocked.Add(ref _size, added) > _limit)
        {
            Sweep();
        }
    }

    /// <summary>
    /// Evicts entries until an eighth of the memory is free. The clock algorithm approximates least recently used without keeping an order: entries that were
    /// not used since the last sweep leave.
    /// </summary>
    private void Sweep()
    {
        if (!_sweeping.TryEnter())
        {
            return;
        }

        try
        {
            while (Volatile.Read(ref _size) > _limit - (_limit / 8))
            {
                foreach (var (owner, entry) in _entries)
                {
                    if (Volatile.Read(ref _size) <= _limit - (_limit / 8))
                    {
                        break;
                    }

                    if (entry.WasUsed && _time.GetElapsedTime(entry.Since) < Lifetime)
                    {
                        entry.WasUsed = false;
                    }
                    else if (_entries.TryRemove(KeyValuePair.Create(owner, entry)))
                    {
                        Interlocked.Add(ref _size, -entry.Size);
                    }
                }
            }
        }
        finally
        {
            _sweeping.Exit();
        }
    }

    private sealed class Entry(CachedOwner owner, long since)
    {
        public CachedOwner Owner => owner;

        public long Since => since;

        public int Size => Overhead + owner.Packed.Length;

        // A new entry starts as unused. Otherwise a sweep over new entries could not tell which ones are busy.
        public bool WasUsed { get; set; }
    }
}

/// <summary>A cached owner.</summary>
/// <param name="Stamp">The owner's stamp at the time of the read.</param>
/// <param name="Version">The version of the owner's account at the time of the read.</param>
/// <param name="Packed">The owner's secrets (<see cref="PackedSecrets"/>).</param>
internal sealed record CachedOwner(long Stamp, long Version, byte[] Packed)
{
    /// <summary>Whether another instance has equal content.</summary>
    public bool IsSameAs(CachedOwner other) => Stamp == other.Stamp && Version == other.Version && Packed.AsSpan().SequenceEqual(other.Packed);
}
