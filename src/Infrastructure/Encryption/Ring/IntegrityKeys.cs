using Secrets.Infrastructure.Persistence;

namespace Secrets.Infrastructure.Encryption.Ring;

/// <summary>The integrity keys of this process: one; during a rotation two, or more if several were requested.</summary>
internal sealed class IntegrityKeys(Lazy<KeyRing> ring, TimeProvider time)
{
    private volatile Loaded? _loaded;
    private long _seenAt;

    private Loaded Keys => _loaded ?? throw new InvalidOperationException("The integrity keys are not loaded yet.");

    /// <summary>The number of the key that seals new accounts.</summary>
    public int Newest => Keys.Accepted.Max(key => key.Number);

    /// <summary>Throws unless this is the newest key. Data sealed with an older key would no longer verify once that key is removed.</summary>
    /// <exception cref="StaleKeyException">A newer key exists. A retry uses it.</exception>
    /// <exception cref="UnavailableException">The keys were last read more than <see cref="KeyRing.MaxAge"/> ago.</exception>
    public void RequireNewest(int number)
    {
        if (time.GetUtcNow().UtcTicks - Volatile.Read(ref _seenAt) > KeyRing.MaxAge.Ticks)
        {
            throw new UnavailableException();
        }

        if (number != Newest)
        {
            throw new StaleKeyException();
        }
    }

    /// <summary>Sets the accepted keys. Former keys stay available for cached data only: no row that is read is accepted under them.</summary>
    public void Load(IReadOnlyList<IntegrityKey> keys, DateTimeOffset seenAt)
    {
        var all = _loaded?.All.ToDictionary() ?? [];
        foreach (var key in keys)
        {
            all.TryAdd(key.Number, key);
        }

        _loaded = new Loaded(keys, all);
        Volatile.Write(ref _seenAt, seenAt.UtcTicks);
    }

    /// <summary>Finds an accepted or a former key; null if the number is unknown to this process.</summary>
    public IntegrityKey? Find(int number) => _loaded?.All.GetValueOrDefault(number);

    /// <summary>Gets a key by a number that this process wrote or accepted before.</summary>
    public IntegrityKey Get(int number) => Keys.All[number];

    /// <summary>Finds the key that a tag or a box names; null if it is not accepted. An unknown number may be a new key of another replica.</summary>
    /// <exception cref="UnavailableException">The number is unknown, and the keys cannot be read now.</exception>
    public IntegrityKey? KeyOf(ReadOnlySpan<byte> bytes)
    {
        if (IntegrityKey.NumberOf(bytes) is not { } number)
        {
            return null;
        }

        if (number > Newest && !ring.Value.LookFor(() => number <= Newest))
        {
            throw new UnavailableException();
        }

        return Keys.Accepted.FirstOrDefault(key => key.Number == number);
    }

    private sealed record Loaded(IReadOnlyList<IntegrityKey> Accepted, Dictionary<int, IntegrityKey> All);
}
