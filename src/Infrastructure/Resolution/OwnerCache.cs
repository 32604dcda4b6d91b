using System.Collections.Concurrent;
using Microsoft.Extensions.Options;
using Secrets.Domain.Secrets;
using Secrets.Infrastructure.Integrity;

namespace Secrets.Infrastructure.Resolution;

/// <summary>What was read of owners, in memory of a bounded size. Nothing here is certain: it holds only while the owner's stamp is the same.</summary>
internal sealed class OwnerCache(IOptions<ResolutionOptions> options, VersionFloors<SecretOwner> seen, TimeProvider time)
{
    /// <summary>
    /// How long anything is cached. Every write moves the stamp, those that bypass the service too: this is for a database in which somebody
    /// has switched that off, or which was set back to an earlier state.
    /// </summary>
    public static readonly TimeSpan Lifetime = TimeSpan.FromMinutes(5);

    // Of the memory, for one owner: larger ones are read each time.
    private const int MaxShare = 4;

    // Of an entry besides its bytes: objects, the owner's id, its place in the dictionary.
    private const int Overhead = 250;

    private readonly long _limit = options.Value.MemoryBytes;
    private readonly ConcurrentDictionary<SecretOwner, Entry> _entries = new();
    private readonly Lock _sweeping = new();
    private long _size;

    /// <summary>Whether there is any memory for it.</summary>
    public bool HasMemory => _limit > 0;

    /// <summary>What is remembered of an owner; null: nothing.</summary>
    public CachedOwner? Find(SecretOwner owner)
    {
        // What this process knows to be outdated is not confirmed by a row that was set back.
        if (!_entries.TryGetValue(owner, out var entry) || time.GetElapsedTime(entry.Since) >= Lifetime || seen.Find(owner).Version > entry.Owner.Version)
        {
            return null;
        }

        entry.WasUsed = true;
        return entry.Owner;
    }

    /// <summary>Remembers an owner, in place of what was remembered before.</summary>
    public void Add(SecretOwner owner, CachedOwner cached)
    {
        if (!HasMemory || cached.Packed.Length > _limit / MaxShare)
        {
            return;
        }

        // Most of the time it is the same again. What is old already costs the garbage collector less than what takes its place.
        var isKnown = _entries.TryGetValue(owner, out var known) && cached.IsSameAs(known.Owner);
        var entry = new Entry(isKnown ? known!.Owner : cached, time.GetTimestamp());
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
    /// The clock algorithm, which comes near to dropping the least recently used without an order to keep: whoever was not asked for since the last
    /// time leaves, until an eighth of the room is free.
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

                    if (entry.WasUsed && time.GetElapsedTime(entry.Since) < Lifetime)
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

        // Since it was read. Were it true from the start, a sweep that meets newcomers only could not tell the busy ones among them.
        public bool WasUsed { get; set; }
    }
}

/// <summary>What was read of an owner.</summary>
/// <param name="Stamp">The owner's stamp then.</param>
/// <param name="Version">The owner's version then.</param>
/// <param name="Packed">The secrets (<see cref="PackedSecrets"/>).</param>
internal sealed record CachedOwner(long Stamp, long Version, byte[] Packed)
{
    /// <summary>Whether the other says the same, in bytes of its own.</summary>
    public bool IsSameAs(CachedOwner other) => Stamp == other.Stamp && Version == other.Version && Packed.AsSpan().SequenceEqual(other.Packed);
}
