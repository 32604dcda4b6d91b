using Secrets.Application.Common;
using Secrets.Infrastructure.Persistence;

namespace Secrets.Infrastructure.Encryption.Ring;

/// <summary>The integrity keys that this process has: one, and while it is replaced the one before it as well.</summary>
internal sealed class IntegrityKeys(Lazy<KeyRing> ring, TimeProvider time)
{
    private volatile Loaded? _loaded;
    private long _seenAt;

    private Loaded Keys => _loaded ?? throw new InvalidOperationException("The integrity keys are not loaded yet.");

    /// <summary>The number of the key that new accounts are made with.</summary>
    public int Newest => Keys.Accepted.Max(key => key.Number);

    /// <summary>Sees that this is the key to make something new with. Nobody else would notice that it no longer counts.</summary>
    /// <exception cref="StaleKeyException">It is not, and another attempt would take the one that is.</exception>
    /// <exception cref="UnavailableException">It is long since the keys were read.</exception>
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

    /// <summary>Takes the keys that count, as they were read at that moment. Those before them are kept for what is in memory: nothing that is read opens with them.</summary>
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

    /// <summary>A key that this process has or had; null: it does not know that number.</summary>
    public IntegrityKey? Find(int number) => _loaded?.All.GetValueOrDefault(number);

    /// <summary>A key by a number that this process wrote or accepted.</summary>
    public IntegrityKey Get(int number) => Keys.All[number];

    /// <summary>The key that something was made with; null: it is none that counts. Another replica may have used one that was made since.</summary>
    /// <exception cref="UnavailableException">That cannot be told now.</exception>
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
