using Microsoft.AspNetCore.DataProtection.KeyManagement;
using Microsoft.Extensions.Logging;
using Secrets.Application.Common;
using Secrets.Infrastructure.Integrity;

namespace Secrets.Infrastructure.Encryption;

/// <summary>
/// The keys that wrap data keys. The ring is cached as it was at one moment, and loaded again when the one in the database is another
/// (docs/decisions/0019-keys-are-rotated-online.md).
/// </summary>
internal sealed partial class KeyRing(KeyRingStore store, RingKeys keys, KeyRingTags tags, TimeProvider time, ILogger<KeyRing> logger)
{
    /// <summary>Age from which the newest key is replaced.</summary>
    public static readonly TimeSpan RenewAfter = TimeSpan.FromDays(88);

    /// <summary>
    /// How long ago the ring was last seen to be what it is, at most, when something is wrapped with it. Far below <see cref="KeyRingReplacement.Stay"/>: a process that slept through the
    /// removal of a key, or cannot read the ring any more, wraps nothing with it.
    /// </summary>
    private static readonly TimeSpan MaxAge = TimeSpan.FromHours(1);

    /// <summary>How often requests have the ring read again, at most, while it does not verify.</summary>
    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(1);

    private readonly Lock _loading = new();
    private volatile LoadedRing? _loaded;
    private volatile string? _fault;
    private long _lastAttempt = time.GetTimestamp();

    /// <summary>Why the ring in the database is not to be trusted, when it was last read; null: it verified.</summary>
    public string? Fault => _fault;

    /// <summary>Has the application's own Data Protection use the loaded ring.</summary>
    public void Configure(KeyManagementOptions options) => keys.Configure(options, () => _loaded?.Rows ?? []);

    /// <summary>Loads these entries, which were just read and verified.</summary>
    public void Load(KeyRingRecords records)
    {
        store.Saw(records.State);
        _loaded = keys.Load([.. records.Rows], time.GetUtcNow());
    }

    /// <summary>Wraps a key for a purpose, with the newest key of the ring.</summary>
    /// <exception cref="UnavailableException">It is long since the ring was read, and it cannot be read now.</exception>
    public byte[] Wrap(byte[] key, params string[] purpose)
    {
        if (IsOld(Current()))
        {
            Retry();
        }

        return Current() is var ring && !IsOld(ring) ? ring.Wrap(key, purpose) : throw new UnavailableException();
    }

    /// <summary>What was wrapped for a purpose; null when it was not, or its key of the ring is gone.</summary>
    public byte[]? Unwrap(byte[] wrapped, params string[] purpose)
    {
        // Another replica may have wrapped it with a key that was added to the ring since.
        var ring = Current();
        return ring.Unwrap(wrapped, purpose) ?? OtherThan(ring)?.Unwrap(wrapped, purpose);
    }

    /// <summary>Wraps anew what these keys of the ring do not open.</summary>
    /// <exception cref="UnavailableException">It is long since they were read: they may be gone.</exception>
    public Rewrapping Rewrap(byte[] wrapped, LoadedRing survivors, params string[] purpose) =>
        survivors.Unwrap(wrapped, purpose) is not null ? Rewrapping.NotNeeded
        : Unwrap(wrapped, purpose) is not { } key ? Rewrapping.Broken
        : !IsOld(survivors) ? new Rewrapping(survivors.Wrap(key, purpose))
        : throw new UnavailableException();

    /// <summary>Adds a key, with which everything is wrapped from now on: here at once, by others when they have read the ring.</summary>
    /// <returns>When it was made.</returns>
    /// <exception cref="ConflictException">The ring is under another root key, or was changed outside the service.</exception>
    public DateTimeOffset AddKey()
    {
        var made = DateTimeOffset.MinValue;
        Change(rows => With(keys.Make(rows, time.GetUtcNow()), rows, out made));
        return made;
    }

    /// <summary>Adds a key where the newest is too old.</summary>
    /// <exception cref="ConflictException">The ring is under another root key, or was changed outside the service.</exception>
    public void Renew()
    {
        // Again under the lock: another replica may have been first.
        if (IsToBeRenewed(Current().Rows))
        {
            Change(rows => IsToBeRenewed(rows) ? With(keys.Make(rows, time.GetUtcNow()), rows, out _) : null);
        }
    }

    /// <summary>How many keys there are that were made before then.</summary>
    /// <exception cref="ConflictException">The ring was changed outside the service.</exception>
    public int CountBefore(DateTimeOffset moment) => OrConflict(store.ReadWhateverRootKey).Count(row => RingKeys.DateOf(row) < moment);

    /// <summary>The ring as it will be without the keys that were made before then. What it does not open would be lost.</summary>
    /// <exception cref="ConflictException">The ring is under another root key, or was changed outside the service.</exception>
    public LoadedRing Without(DateTimeOffset before)
    {
        var now = time.GetUtcNow();
        return keys.Load(Since(before, OrConflict(store.Read)), now);
    }

    /// <summary>Removes the keys that were made before then, but never all. What is wrapped with one of them is lost.</summary>
    /// <exception cref="ConflictException">The ring is under another root key, or was changed outside the service.</exception>
    public void RemoveBefore(DateTimeOffset moment) => Change(rows => Since(moment, rows) is { Count: > 0 } left ? left : null);

    /// <summary>Whether the newest key was not made before then. If it was, nothing can be wrapped with one that was not.</summary>
    /// <exception cref="ConflictException">The ring was changed outside the service.</exception>
    public bool IsNewestSince(DateTimeOffset moment) => OrConflict(store.ReadWhateverRootKey).Max(RingKeys.DateOf) >= moment;

    /// <summary>
    /// Reads the ring again. Where the database was moved to another root key meanwhile, or the entries do not verify, this process goes on with what it has.
    /// </summary>
    public void Refresh()
    {
        lock (_loading)
        {
            TryRefresh();
        }
    }

    /// <summary>The same, at most once a second.</summary>
    public void Retry()
    {
        lock (_loading)
        {
            if (time.GetElapsedTime(_lastAttempt) >= RetryAfter)
            {
                TryRefresh();
            }
        }
    }

    private bool IsOld(LoadedRing ring) => time.GetUtcNow() - ring.SeenAt > MaxAge;

    private bool IsToBeRenewed(IReadOnlyList<KeyRingRow> rows) => rows.Max(RingKeys.DateOf) < time.GetUtcNow() - RenewAfter;

    private IReadOnlyList<KeyRingRow> With((string Name, string Xml, DateTimeOffset CreatedAt) key, IReadOnlyList<KeyRingRow> rows, out DateTimeOffset made)
    {
        made = key.CreatedAt;
        return [.. rows, tags.Tagged(key.Name, key.Xml)];
    }

    private static List<KeyRingRow> Since(DateTimeOffset moment, IReadOnlyList<KeyRingRow> rows) => [.. rows.Where(row => RingKeys.DateOf(row) >= moment)];

    private void Change(Func<IReadOnlyList<KeyRingRow>, IReadOnlyList<KeyRingRow>?> change)
    {
        OrConflict(() =>
        {
            store.Change(change);
            return true;
        });
        Refresh();
    }

    private T OrConflict<T>(Func<T> act)
    {
        try
        {
            return act();
        }
        catch (TamperedException exception)
        {
            lock (_loading)
            {
                Note(exception.Message);
            }

            throw new ConflictException("The key ring was changed outside the service: it is not used until that is put right.");
        }
    }

    /// <summary>The ring as it is now, if it is another than this one.</summary>
    private LoadedRing? OtherThan(LoadedRing tried)
    {
        if (ReferenceEquals(_loaded, tried))
        {
            if (_fault is null)
            {
                Refresh();
            }
            else
            {
                Retry();
            }
        }

        return ReferenceEquals(_loaded, tried) ? null : _loaded;
    }

    private LoadedRing Current()
    {
        if (_loaded is { } loaded)
        {
            return loaded;
        }

        lock (_loading)
        {
            return _loaded ??= keys.Load(store.Read(), time.GetUtcNow());
        }
    }

    private void TryRefresh()
    {
        _lastAttempt = time.GetTimestamp();
        try
        {
            var now = time.GetUtcNow();
            var rows = store.Read();
            if (_loaded?.IsStill(rows) == true)
            {
                _loaded.SeenAt = now;
            }
            else
            {
                // It takes the place of the other only when it works.
                _loaded = keys.Load(rows, now);
            }

            Note(fault: null);
        }
        catch (ConflictException) when (_loaded is not null)
        {
            // The database was moved to another root key. What is not readable here, others added since.
        }
        catch (TamperedException exception) when (_loaded is not null)
        {
            Note(exception.Message);
        }
    }

    /// <summary>Notes what is wrong, and says so once. Under the lock.</summary>
    private void Note(string? fault)
    {
        var before = _fault;
        _fault = fault;
        if (fault is not null && !string.Equals(fault, before, StringComparison.Ordinal))
        {
            Tampered(fault);
        }
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "The key ring was changed outside the service and is not loaded: {Fault}")]
    private partial void Tampered(string fault);
}
