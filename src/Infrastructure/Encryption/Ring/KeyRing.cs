using Microsoft.AspNetCore.DataProtection.KeyManagement;
using Microsoft.Extensions.Logging;
using Secrets.Application.Common;
using Secrets.Domain.Audit;
using Secrets.Infrastructure.Persistence;
using Secrets.Infrastructure.Persistence.Rows;

namespace Secrets.Infrastructure.Encryption.Ring;

/// <summary>
/// The keys that wrap data keys. The ring is cached as it was at one moment, and loaded again when the one in the database is another
/// (docs/decisions/0019-keys-are-rotated-online.md).
/// </summary>
internal sealed partial class KeyRing(KeyStore store, RingKeys keys, TimeProvider time, ILogger<KeyRing> logger)
{
    /// <summary>Age from which the newest key is replaced.</summary>
    public static readonly TimeSpan RenewAfter = TimeSpan.FromDays(88);

    /// <summary>
    /// How long ago the ring was last seen to be what it is, at most, when something is wrapped with it. Far below the time that a replaced key stays (<c>KeyRingReplacement.GracePeriod</c>): a process that slept through the
    /// removal of a key, or cannot read the ring any more, wraps nothing with it.
    /// </summary>
    public static readonly TimeSpan MaxAge = TimeSpan.FromHours(1);

    /// <summary>How often requests have the ring read again, at most, while it does not verify.</summary>
    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(1);

    private readonly Lock _loading = new();
    private volatile LoadedRing? _loaded;
    private volatile string? _fault;
    private long _revision;
    private long _lastAttempt = time.GetTimestamp();

    /// <summary>Why the ring in the database is not to be trusted, when it was last read; null: it verified.</summary>
    public string? Fault => _fault;

    /// <inheritdoc cref="KeyStore.UserIssuer" />
    public string? UserIssuer => store.UserIssuer;

    /// <summary>Has the application's own Data Protection use the loaded ring.</summary>
    public void Configure(KeyManagementOptions options) => keys.Configure(options, () => _loaded?.Rows ?? []);

    /// <summary>Takes rows that were read and verified after that moment, and are committed.</summary>
    public void Load(KeyRecords records, DateTimeOffset moment)
    {
        store.MarkSeen(records, moment);
        lock (_loading)
        {
            Take(records, moment);
        }
    }

    /// <summary>The ring of these rows, which this process does not use yet.</summary>
    public LoadedRing Open(KeyRecords records) => keys.Load(records.Ring, time.GetUtcNow());

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

    /// <summary>Whether the newest key is too old.</summary>
    public bool IsToBeRenewed(IReadOnlyList<KeyRingRow> rows) => rows.Max(RingKeys.DateOf) < time.GetUtcNow() - RenewAfter;

    /// <summary>These rows, and a key with which everything is wrapped from now on: here at once, by others when they have read the ring. It is newer than every other.</summary>
    public KeyRecords WithNewKey(KeyRecords records, out DateTimeOffset madeAt)
    {
        (var name, var xml, madeAt) = keys.Make(records.Ring, time.GetUtcNow());
        return records.WithRingKey(name, xml);
    }

    /// <summary>The rows of the keys as they are now, also those that this process cannot open.</summary>
    /// <exception cref="ConflictException">They were changed outside the service.</exception>
    public KeyRecords Read() => OrConflict(store.ReadUnderAnyRootKey);

    /// <summary>The ring as it will be without the keys that were made before then. What it does not open would be lost.</summary>
    /// <exception cref="ConflictException">The ring is under another root key, or was changed outside the service.</exception>
    public LoadedRing Without(DateTimeOffset before)
    {
        var now = time.GetUtcNow();
        var records = OrConflict(store.Read);
        return keys.Load((records.WithoutRingKeysBefore(before) ?? records).Ring, now);
    }

    /// <summary>See <see cref="KeyStore.ChangeAsync"/>. This process works with the new ring at once.</summary>
    /// <exception cref="ConflictException">The ring is under another root key, or was changed outside the service.</exception>
    public async Task ChangeAsync(SecretsDbContext db, Func<KeyRecords, KeyRecords?> change, AuditEvent fact, CancellationToken cancellationToken)
    {
        try
        {
            var now = time.GetUtcNow();
            if (await store.ChangeAsync(db, change, fact, cancellationToken) is { } changed && store.CanOpen(changed))
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
            throw Conflict(new TamperedException("A row of the keys was there that was not read."));
        }
    }

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

    /// <summary>Reads the keys again, because something names one that this process does not have, unless another thread just did.</summary>
    /// <param name="isKnown">Whether it has it by now.</param>
    /// <returns>Whether that is settled: it is known, or the keys verified and it is not among them.</returns>
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

        return new ConflictException("The keys were changed outside the service: none is replaced until that is put right.");
    }

    /// <summary>The ring as it is now, if it is another than this one.</summary>
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

    /// <summary>Takes rows that verified, unless it has later ones. Under the lock.</summary>
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
            // It takes the place of the other only when it works.
            _loaded = keys.Load([.. records.Ring], readAfter);
        }
    }

    /// <summary>Whether the keys verified.</summary>
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
            // The database was moved to another root key. What is not readable here, others added since.
        }
        catch (TamperedException exception) when (_loaded is not null)
        {
            Note(exception.Message);
        }

        return false;
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

    [LoggerMessage(Level = LogLevel.Error, Message = "The keys were changed outside the service and are not loaded: {Fault}")]
    private partial void Tampered(string fault);
}
