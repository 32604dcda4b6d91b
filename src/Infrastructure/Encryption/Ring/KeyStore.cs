using Secrets.Application.Audit;
using Secrets.Infrastructure.Persistence;
using Secrets.Infrastructure.Persistence.Rows;

namespace Secrets.Infrastructure.Encryption.Ring;

/// <summary>
/// Stores the installation's keys, which all replicas share. Returns verified rows only, and no revision older than this process or the audit has seen.
/// </summary>
internal sealed class KeyStore(IServiceScopeFactory scopes, RootKey rootKey, IntegrityKeys integrity, IntegrityKeyWrapping wrapping, TimeProvider time)
{
    private readonly Lock _lock = new();
    private (long Revision, byte[] Tag) _seen = (0, []);

    private volatile string? _userIssuer;

    /// <summary>The issuer of user names in the latest rows that this process read; null if none is stored.</summary>
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

    /// <summary>Reads the rows. All must be under a root key that this process has.</summary>
    /// <exception cref="TamperedException">The rows are not those that the service wrote last.</exception>
    /// <exception cref="ConflictException">A row is encrypted under a root key that this process does not have.</exception>
    public KeyRecords Read() => RequireRootKey(ReadUnderAnyRootKey());

    /// <summary>Reads the rows, including rows under a root key that this process does not have.</summary>
    /// <exception cref="TamperedException">The rows are not those that the service wrote last.</exception>
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

    /// <summary>Changes the rows in a transaction that locks them and writes an audit row.</summary>
    /// <param name="db">Must not be in a transaction.</param>
    /// <param name="change">Receives the locked rows and returns the changed ones, or null to leave them unchanged.</param>
    /// <param name="auditEvent">The audit row.</param>
    /// <param name="cancellationToken">Cancels before the commit.</param>
    /// <returns>The changed rows; null if nothing changed.</returns>
    /// <exception cref="TamperedException">The rows are not those that the service wrote last.</exception>
    /// <exception cref="ConflictException">A key would be added or removed under another root key than that of the other replicas.</exception>
    public async Task<KeyRecords?> ChangeAsync(
        SecretsDbContext db, Func<KeyRecords, KeyRecords?> change, AuditEvent auditEvent, CancellationToken cancellationToken)
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
                    Advance(db, after, auditEvent);
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

    /// <summary>
    /// Adds the first rows to the caller's transaction. The first revision has no audit row, because there is no earlier one to set it back to.
    /// </summary>
    public static void Initialize(SecretsDbContext db, KeyRecords first)
    {
        first.Advance();
        db.Add(first.State);
        db.AddRange(first.Ring);
        db.AddRange(first.IntegrityRows);
    }

    /// <summary>Locks and verifies the rows in the caller's transaction, and re-encrypts those under the previous root key.</summary>
    /// <param name="db">In the caller's transaction.</param>
    /// <param name="requireRootKey">Throws if this process has no root key with this fingerprint.</param>
    /// <returns>The rows, and how many were re-encrypted.</returns>
    /// <exception cref="TamperedException">The rows are not those that the service wrote last.</exception>
    public (KeyRecords Records, int Moved) MoveToRootKey(SecretsDbContext db, Action<string> requireRootKey)
    {
        var records = LockVerified(db);
        var moved = records.IntegrityRows.Count(wrapping.MoveToRootKey);
        foreach (var row in records.Ring)
        {
            if (RootKeyXml.Reencrypt(row, rootKey, requireRootKey) is { } xml)
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
    public bool CanOpen(KeyRecords records) => records.Ring.All(row => RootKeyXml.IsProtectedBy(row, rootKey));

    /// <summary>Notes committed rows, which were read after <paramref name="moment"/>.</summary>
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

    private static void Advance(SecretsDbContext db, KeyRecords records, AuditEvent auditEvent)
    {
        records.Advance();
        db.Record(auditEvent with { OwnerVersion = records.State.Revision });
    }

    /// <summary>
    /// Reads and verifies. On failure, reads again under the lock, which prevents writes between the statements and makes the primary answer.
    /// </summary>
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

    /// <summary>Locks the rows until the end of the transaction, by the row of the root key, and verifies them.</summary>
    private KeyRecords LockVerified(SecretsDbContext db)
    {
        var now = time.GetUtcNow();
        db.RootKeys.ExecuteUpdate(set => set.SetProperty(row => row.ProbedAt, now));
        return Verified(db);
    }

    private KeyRecords Verified(SecretsDbContext db)
    {
        // Taken before the read: another thread may note newer rows meanwhile.
        var seen = Seen;
        var (records, isBehind) = ReadRows(db);
        records.RequireVerified();
        if (records.State.Revision < seen.Revision || (records.State.Revision == seen.Revision && !records.State.Tag.AsSpan().SequenceEqual(seen.Tag)))
        {
            throw new TamperedException($"The keys were set back to revision {records.State.Revision}: this process has seen revision {seen.Revision}.");
        }

        return isBehind
            ? throw new TamperedException($"The keys were set back to revision {records.State.Revision}: the audit has a later revision.")
            : records;
    }

    private (KeyRecords Records, bool IsBehind) ReadRows(SecretsDbContext db)
    {
        try
        {
            var found = db.KeyState.Where(state => state.Id == KeyStateRow.OnlyId)
                .Select(state => new
                {
                    State = state,

                    // Repeats the filter of the index: SQL Server does not derive it from a comparison with another table.
                    IsBehind = db.Audit.Any(row => row.OwnerId == null && row.TargetKeyUserId == null && row.OwnerVersion != null && row.OwnerVersion > state.Revision),
                })
                .SingleOrDefault() ?? throw new TamperedException("The state of the keys was removed.");
            var integrityRows = db.IntegrityKeys.OrderBy(row => row.Number).ToList();
            return (new KeyRecords(found.State, [.. db.KeyRing], [.. db.KeyRotations], integrityRows, integrityRows.ConvertAll(row => KeyOf(db, row))), found.IsBehind);
        }
        catch (Exception exception) when (AuditRows.AreUnreadable(exception))
        {
            throw new TamperedException("A row of the keys has a value that the service cannot have written.");
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

    private static ConflictException OtherRootKey() => new("The keys are under a root key that this process does not have. Restart it with the current key in Encryption:RootKeyFile.");
}
