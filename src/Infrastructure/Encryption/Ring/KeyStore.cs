using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Secrets.Application.Audit;
using Secrets.Application.Common;
using Secrets.Domain.Audit;
using Secrets.Infrastructure.Persistence;
using Secrets.Infrastructure.Persistence.Rows;

namespace Secrets.Infrastructure.Encryption.Ring;

/// <summary>
/// The installation's keys in the database, where every replica finds them. Only what verifies leaves this class, and nothing goes back behind a revision that this process or the audit saw.
/// </summary>
internal sealed class KeyStore(IServiceScopeFactory scopes, RootKey rootKey, IntegrityKeys integrity, IntegrityKeyWrapping wrapping, TimeProvider time)
{
    private readonly Lock _lock = new();
    private (long Revision, byte[] Tag) _seen = (0, []);

    private volatile string? _userIssuer;

    /// <summary>The issuer of users' names, as the latest rows have it that this process saw; null: none is stored.</summary>
    public string? UserIssuer => _userIssuer;

    private (long Revision, byte[] Tag) Seen
    {
        get
        {
            lock (_lock)
            {
                return _seen;
            }
        }
    }

    /// <summary>The rows, all under a root key that this process has.</summary>
    /// <exception cref="TamperedException">They are not what the service wrote last.</exception>
    /// <exception cref="ConflictException">One is encrypted under a root key that this process does not have.</exception>
    public KeyRecords Read() => RequireRootKey(ReadUnderAnyRootKey());

    /// <summary>The rows, also those that this process cannot open.</summary>
    /// <exception cref="TamperedException">They are not what the service wrote last.</exception>
    public KeyRecords ReadUnderAnyRootKey()
    {
        using var scope = scopes.CreateScope();
        var db = scope.ServiceProvider.GetRequiredService<SecretsDbContext>();
        db.ChangeTracker.QueryTrackingBehavior = QueryTrackingBehavior.NoTracking;
        var now = time.GetUtcNow();
        var records = ReadVerified(db);
        MarkSeen(records, now);
        return records;
    }

    /// <summary>Changes the rows, one replica after the other, in a transaction with a row of the audit.</summary>
    /// <param name="db">In no transaction.</param>
    /// <param name="change">Gets the rows, and gives those that there are afterwards; null: it leaves them.</param>
    /// <param name="fact">What the audit says of it.</param>
    /// <param name="cancellationToken">The caller's.</param>
    /// <returns>The rows afterwards; null: nothing was changed.</returns>
    /// <exception cref="TamperedException">They are not what the service wrote last.</exception>
    /// <exception cref="ConflictException">A key is to be added or removed, and they are under a root key that this process does not have: others could not read what it adds.</exception>
    public async Task<KeyRecords?> ChangeAsync(SecretsDbContext db, Func<KeyRecords, KeyRecords?> change, AuditEvent fact, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        var changed = await db.InTransactionAsync(
            _ =>
            {
                var before = LockVerified(db);
                var after = change(before);
                if (after is not null)
                {
                    if (after.Ring != before.Ring || after.IntegrityRows != before.IntegrityRows)
                    {
                        RequireRootKey(before);
                    }

                    db.RemoveRange(before.Ring.Except(after.Ring));
                    db.AddRange(after.Ring.Except(before.Ring));
                    db.AddRange(after.Rotations.Except(before.Rotations));
                    db.RemoveRange(before.IntegrityRows.Except(after.IntegrityRows));
                    db.AddRange(after.IntegrityRows.Except(before.IntegrityRows));
                    Advance(db, after, fact);
                }

                return Task.FromResult(after);
            },
            cancellationToken);
        if (changed is not null)
        {
            MarkSeen(changed, now);
        }

        return changed;
    }

    /// <summary>Begins with these rows, to be stored by the caller's transaction. The first revision has no row in the audit: there is nothing before it.</summary>
    public static void Initialize(SecretsDbContext db, KeyRecords first)
    {
        first.Advance();
        db.Add(first.State);
        db.AddRange(first.Ring);
        db.AddRange(first.IntegrityRows);
    }

    /// <summary>Locks and verifies the rows, and encrypts under the current root key what is under the one before it, in the caller's transaction.</summary>
    /// <param name="db">The caller's.</param>
    /// <param name="require">Sees that something under the root key with this fingerprint can be opened.</param>
    /// <returns>The rows, and how many were encrypted anew.</returns>
    /// <exception cref="TamperedException">They are not what the service wrote last.</exception>
    public (KeyRecords Records, int Moved) MoveToRootKey(SecretsDbContext db, Action<string> require)
    {
        var records = LockVerified(db);
        var moved = records.IntegrityRows.Count(wrapping.MoveToRootKey);
        foreach (var row in records.Ring)
        {
            if (RootKeyXml.Move(row, rootKey, require) is { } xml)
            {
                records.Replace(row, xml);
                moved++;
            }
        }

        if (moved > 0)
        {
            Advance(db, records, AuditEvent.ByService(AuditAction.KeysChange, time.GetUtcNow()));
        }

        return (records, moved);
    }

    /// <summary>Whether the ring is under a root key that this process has.</summary>
    public bool CanOpen(KeyRecords records) => records.Ring.All(row => RootKeyXml.IsFor(row, rootKey));

    /// <summary>Takes rows that are committed, and were read after that moment.</summary>
    public void MarkSeen(KeyRecords records, DateTimeOffset moment)
    {
        lock (_lock)
        {
            if (records.State.Revision > _seen.Revision)
            {
                _seen = (records.State.Revision, records.State.Tag);
            }

            if (records.State.Revision == _seen.Revision)
            {
                integrity.Load(records.IntegrityKeys, moment);
                _userIssuer = records.UserIssuer;
            }
        }
    }

    private static void Advance(SecretsDbContext db, KeyRecords records, AuditEvent fact)
    {
        records.Advance();
        db.Record(fact with { OwnerVersion = records.State.Revision });
    }

    /// <summary>The rows, verified. What does not verify is read once more, under the lock: there nothing changes between two statements, and what answers is the primary's.</summary>
    private KeyRecords ReadVerified(SecretsDbContext db)
    {
        try
        {
            return Verified(db);
        }
        catch (TamperedException)
        {
            using var transaction = db.Database.BeginTransaction();
            return LockVerified(db);
        }
    }

    /// <summary>The rows, verified, and locked until the end of the transaction.</summary>
    private KeyRecords LockVerified(SecretsDbContext db)
    {
        db.KeyState.ExecuteUpdate(set => set.SetProperty(state => state.Revision, state => state.Revision));
        return Verified(db);
    }

    private KeyRecords Verified(SecretsDbContext db)
    {
        // Before: what another thread sees meanwhile may be newer than what is read here.
        var seen = Seen;
        var (records, isBehind) = ReadRows(db);
        records.RequireVerified();
        if (records.State.Revision < seen.Revision || (records.State.Revision == seen.Revision && !records.State.Tag.AsSpan().SequenceEqual(seen.Tag)))
        {
            throw new TamperedException($"The keys were set back to revision {records.State.Revision}, and revision {seen.Revision} was there before.");
        }

        return isBehind
            ? throw new TamperedException($"The keys were set back to revision {records.State.Revision}: the audit has a later one.")
            : records;
    }

    private (KeyRecords Records, bool IsBehind) ReadRows(SecretsDbContext db)
    {
        try
        {
            var found = db.KeyState.Where(state => state.Id == KeyStateRow.OnlyId)
                .Select(state => new { State = state, IsBehind = db.Audit.Any(row => row.OwnerId == null && row.TargetKeyUserId == null && row.OwnerVersion > state.Revision) })
                .SingleOrDefault() ?? throw new TamperedException("The state of the keys was removed.");
            var integrityRows = db.IntegrityKeys.OrderBy(row => row.Number).ToList();
            return (new KeyRecords(found.State, [.. db.KeyRing], [.. db.KeyRotations], integrityRows, integrityRows.ConvertAll(row => KeyOf(db, row))), found.IsBehind);
        }
        catch (Exception exception) when (AuditRows.AreUnreadable(exception))
        {
            throw new TamperedException("A row of the keys has what the service cannot have written.");
        }
    }

    private IntegrityKey KeyOf(SecretsDbContext db, IntegrityKeyRow row)
    {
        if (integrity.Find(row.Number) is { } known)
        {
            return known;
        }

        try
        {
            return wrapping.Open(row);
        }
        catch (TamperedException) when (db.RootKeys.Any(canary => canary.Id == RootKeyRow.OnlyId && canary.Fingerprint != rootKey.Fingerprint && canary.Fingerprint != rootKey.PreviousFingerprint))
        {
            throw OtherRootKey();
        }
    }

    private KeyRecords RequireRootKey(KeyRecords records) => CanOpen(records) ? records : throw OtherRootKey();

    private static ConflictException OtherRootKey() => new("The keys are under another root key than this process has: start it again with that.");
}
