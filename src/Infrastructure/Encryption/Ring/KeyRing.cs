using Microsoft.AspNetCore.DataProtection.KeyManagement;
using Secrets.Infrastructure.Persistence;
using Secrets.Infrastructure.Persistence.Rows;

namespace Secrets.Infrastructure.Encryption.Ring;

/// <summary>
/// The keys that wrap data keys. Caches the ring and reloads it after a change in the database (docs/decisions/0019-keys-are-rotated-online.md).
/// </summary>
internal sealed partial class KeyRing(KeyStore store, RingKeys keys, TimeProvider time, ILogger<KeyRing> logger)
{
    /// <summary>Age at which the newest key is followed by another.</summary>
    public static readonly TimeSpan NewKeyAfter = TimeSpan.FromDays(88);

    /// <summary>
    /// Maximum age of the cached ring for wrapping. Far below <c>KeyRingReplacement.GracePeriod</c>: a process that missed the removal of a key,
    /// or cannot read the ring, must not wrap with that key.
    /// </summary>
    public static readonly TimeSpan MaxAge = TimeSpan.FromHours(1);

    /// <summary>Minimum time between reads that requests cause while the ring does not verify.</summary>
    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(1);

    private readonly Lock _loading = new();
    private volatile LoadedRing? _loaded;
    private volatile string? _fault;
    private long _revision;
    private long _lastAttempt = time.GetTimestamp();

    /// <summary>Why the last read ring did not verify; null if it did.</summary>
    public string? Fault => _fault;

    /// <inheritdoc cref="KeyStore.UserIssuer" />
    public string? UserIssuer => store.UserIssuer;

    /// <summary>Makes the application's own Data Protection use the loaded ring.</summary>
    public void Configure(KeyManagementOptions options) => keys.Configure(options, () => _loaded?.Rows ?? []);

    /// <summary>Uses committed rows that were read and verified.</summary>
    /// <param name="records">The rows.</param>
    /// <param name="moment">The time just before they were read.</param>
    public void Load(KeyRecords records, DateTimeOffset moment)
    {
        store.MarkSeen(records, moment);
        lock (_loading)
        {
            Take(records, moment);
        }
    }

    /// <summary>Opens the ring of these rows without using it for this process.</summary>
    public LoadedRing Open(KeyRecords records) => keys.Load(records.Ring, time.GetUtcNow());

    /// <summary>Wraps a key for a purpose with the newest key of the ring.</summary>
    /// <exception cref="UnavailableException">The ring is older than <see cref="MaxAge"/> and cannot be read now.</exception>
    public byte[] Wrap(byte[] key, params string[] purpose)
    {
        if (IsOld(Current()))
        {
            Retry();
        }

        return Current() is var ring && !IsOld(ring) ? ring.Wrap(key, purpose) : throw new UnavailableException();
    }

    /// <summary>Unwraps a key. Returns null if it was not wrapped for this purpose, or its ring key was removed.</summary>
    public byte[]? Unwrap(byte[] wrapped, params string[] purpose)
    {
        // Another replica may have wrapped it with a newer ring key.
        var ring = Current();
        return ring.Unwrap(wrapped, purpose) ?? OtherThan(ring)?.Unwrap(wrapped, purpose);
    }

    /// <summary>Wraps a key again unless one of the surviving ring keys opens it.</summary>
    /// <exception cref="UnavailableException">The survivors were read too long ago and may have been removed since.</exception>
    public Rewrapping Rewrap(byte[] wrapped, LoadedRing survivors, params string[] purpose) =>
        survivors.Unwrap(wrapped, purpose) is not null ? Rewrapping.NotNeeded
        : Unwrap(wrapped, purpose) is not { } key ? Rewrapping.Broken
        : !IsOld(survivors) ? new Rewrapping(survivors.Wrap(key, purpose))
        : throw new UnavailableException();

    /// <summary>Whether the newest key is older than <see cref="NewKeyAfter"/>.</summary>
    public bool NeedsNewKey(IReadOnlyList<KeyRingRow> rows) => rows.Max(RingKeys.DateOf) < time.GetUtcNow() - NewKeyAfter;

    /// <summary>Adds a newest key. This process wraps with it at once, other replicas after they read the ring.</summary>
    public KeyRecords WithNewKey(KeyRecords records, out DateTimeOffset madeAt)
    {
        (var name, var xml, madeAt) = keys.Make(records.Ring, time.GetUtcNow());
        return records.WithRingKey(name, xml);
    }

    /// <summary>Reads the rows of the keys, including rows under a root key that this process does not have.</summary>
    /// <exception cref="ConflictException">The rows were changed outside the service.</exception>
    public KeyRecords Read() => OrConflict(store.ReadUnderAnyRootKey);

    /// <summary>
    /// The ring without the keys made before this moment. If the old keys were removed, every wrapped key that this ring does not open would be lost.
    /// </summary>
    /// <exception cref="ConflictException">The ring is under another root key, or was changed outside the service.</exception>
    public LoadedRing Without(DateTimeOffset before)
    {
        var now = time.GetUtcNow();
        var records = OrConflict(store.Read);
        return keys.Load((records.WithoutRingKeysBefore(before) ?? records).Ring, now);
    }

    /// <summary>See <see cref="KeyStore.ChangeAsync"/>. This process uses the new ring at once.</summary>
    /// <exception cref="ConflictException">The ring is under another root key, or was changed outside the service.</exception>
    public async Task ChangeAsync(SecretsDbContext db, Func<KeyRecords, KeyRecords?> change, AuditEvent auditEvent, CancellationToken cancellationToken)
    {
        try
        {
            var now = time.GetUtcNow();
            if (await store.ChangeAsync(db, change, auditEvent, cancellationToken) is { } changed && store.CanOpen(changed))
            {
                lock (_loading)
                {
                    Take(changed, now);
                }
            }
        }
        catch (TamperedException exception)
        {
            throw Conflict(exception);
        }
        catch (UniqueViolationException)
        {
            throw Conflict(new TamperedException("The tables of the keys have a row that their state does not cover."));
        }
    }

    /// <summary>Reads the ring again. If the database was moved to another root key or the entries do not verify, this process keeps its loaded ring.</summary>
    public void Refresh()
    {
        lock (_loading)
        {
            TryRefresh();
        }
    }

    /// <summary>Reads the ring again, at most once a second.</summary>
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

    /// <summary>Reads the ring again if this process lacks a key, unless another thread has just read it.</summary>
    /// <param name="isKnown">Whether this process has the key now.</param>
    /// <returns>False if the ring could not be verified, so that the key may exist.</returns>
    public bool LookFor(Func<bool> isKnown)
    {
        lock (_loading)
        {
            if (isKnown())
            {
                return true;
            }

            if (_fault is null || time.GetElapsedTime(_lastAttempt) >= RetryAfter)
            {
                return TryRefresh();
            }

            return false;
        }
    }

    private bool IsOld(LoadedRing ring) => time.GetUtcNow() - ring.SeenAt > MaxAge;

    private T OrConflict<T>(Func<T> read)
    {
        try
        {
            return read();
        }
        catch (TamperedException exception)
        {
            throw Conflict(exception);
        }
    }

    private ConflictException Conflict(TamperedException exception)
    {
        lock (_loading)
        {
            Note(exception.Message);
        }

        return new ConflictException("The keys were changed outside the service. Restore their rows from a backup: until then no key is replaced.");
    }

    /// <summary>The current ring if it differs from this one; otherwise null.</summary>
    private LoadedRing? OtherThan(LoadedRing tried)
    {
        if (ReferenceEquals(_loaded, tried))
        {
            LookFor(() => !ReferenceEquals(_loaded, tried));
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
            if (_loaded is null)
            {
                var now = time.GetUtcNow();
                Take(store.Read(), now);
            }

            return _loaded!;
        }
    }

    /// <summary>Uses verified rows unless later ones are loaded. Call under the lock.</summary>
    private void Take(KeyRecords records, DateTimeOffset readAfter)
    {
        if (records.State.Revision < _revision)
        {
            return;
        }

        _revision = records.State.Revision;
        if (_loaded?.HasEntries(records.Ring) == true)
        {
            _loaded.SeenAt = readAfter;
        }
        else
        {
            // Loading may throw; the former ring stays in place then.
            _loaded = keys.Load([.. records.Ring], readAfter);
        }
    }

    /// <summary>Returns whether the keys verified.</summary>
    private bool TryRefresh()
    {
        _lastAttempt = time.GetTimestamp();
        try
        {
            var now = time.GetUtcNow();
            Take(store.Read(), now);
            Note(fault: null);
            return true;
        }
        catch (ConflictException) when (_loaded is not null)
        {
            // The database was moved to another root key. The unreadable entries were added by other replicas since.
        }
        catch (TamperedException exception) when (_loaded is not null)
        {
            Note(exception.Message);
        }

        return false;
    }

    /// <summary>Notes a fault and logs it once. Call under the lock.</summary>
    private void Note(string? fault)
    {
        var before = _fault;
        _fault = fault;
        if (fault is not null && !string.Equals(fault, before, StringComparison.Ordinal))
        {
            Tampered(fault);
        }
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "The keys were changed outside the service and are not loaded: {Fault}")]
    private partial void Tampered(string fault);
}
