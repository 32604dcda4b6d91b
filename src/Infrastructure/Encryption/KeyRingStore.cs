using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Secrets.Application.Common;
using Secrets.Infrastructure.Integrity;
using Secrets.Infrastructure.Persistence;

namespace Secrets.Infrastructure.Encryption;

/// <summary>
/// The key ring in the database, where every replica finds it. Only entries that verify leave this class, and a process never goes back behind a revision that it saw.
/// </summary>
internal sealed class KeyRingStore(IServiceScopeFactory scopes, RootKey rootKey, KeyRingTags tags)
{
    private readonly Lock _lock = new();
    private (long Revision, byte[] Tag) _seen = (0, []);

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

    /// <summary>The entries, all under a root key that this process has.</summary>
    /// <exception cref="TamperedException">They are not what the service wrote last.</exception>
    /// <exception cref="ConflictException">One is encrypted under a root key that this process does not have.</exception>
    public IReadOnlyList<KeyRingRow> Read() => RequireRootKey(ReadWhateverRootKey());

    /// <summary>The entries, also those that this process cannot open.</summary>
    /// <exception cref="TamperedException">They are not what the service wrote last.</exception>
    public IReadOnlyList<KeyRingRow> ReadWhateverRootKey()
    {
        using var scope = scopes.CreateScope();
        var db = scope.ServiceProvider.GetRequiredService<SecretsDbContext>();
        db.ChangeTracker.QueryTrackingBehavior = QueryTrackingBehavior.NoTracking;
        var records = ReadVerified(db);
        Saw(records.State);
        return records.Rows;
    }

    /// <summary>Changes the entries, one replica after the other.</summary>
    /// <param name="change">Gets the entries, and gives those that there are afterwards; null: it leaves them.</param>
    /// <exception cref="TamperedException">They are not what the service wrote last.</exception>
    /// <exception cref="ConflictException">One is under a root key that this process does not have: others could not read what this one adds.</exception>
    public void Change(Func<IReadOnlyList<KeyRingRow>, IReadOnlyList<KeyRingRow>?> change)
    {
        using var scope = scopes.CreateScope();
        var db = scope.ServiceProvider.GetRequiredService<SecretsDbContext>();
        using var transaction = db.Database.BeginTransaction();
        Lock(db);
        var records = Verified(db);
        RequireRootKey(records.Rows);
        if (change(records.Rows) is not { } rows)
        {
            return;
        }

        db.KeyRing.RemoveRange(records.Rows.Except(rows));
        db.KeyRing.AddRange(rows.Except(records.Rows));
        tags.Advance(records.State, rows);
        db.SaveChanges();
        transaction.Commit();
        Saw(records.State);
    }

    /// <summary>Begins the ring with its first entry, to be stored by the caller's transaction.</summary>
    public void Found(SecretsDbContext db, string name, string xml)
    {
        var row = tags.Tagged(name, xml);
        db.Add(row);
        db.Add(tags.FirstState([row]));
    }

    /// <summary>Encrypts under the current root key what is under the one before it, in the caller's transaction.</summary>
    /// <param name="db">The caller's.</param>
    /// <param name="require">Sees that something under the root key with this fingerprint can be opened.</param>
    /// <returns>The ring, and how many entries were encrypted anew.</returns>
    /// <exception cref="TamperedException">The entries are not what the service wrote last.</exception>
    public (KeyRingRecords Ring, int Moved) MoveToRootKey(SecretsDbContext db, Action<string> require)
    {
        Lock(db);
        var ring = Verified(db);
        var moved = 0;
        foreach (var row in ring.Rows)
        {
            if (RootKeyXml.Move(row, rootKey, require) is { } xml)
            {
                tags.Replace(row, xml);
                moved++;
            }
        }

        if (moved > 0)
        {
            tags.Advance(ring.State, ring.Rows);
        }

        return (ring, moved);
    }

    /// <summary>Locks the state until the end of the transaction.</summary>
    private static void Lock(SecretsDbContext db) =>
        db.IntegrityStates.Where(state => state.Id == IntegrityTable.KeyRing).ExecuteUpdate(set => set.SetProperty(state => state.Revision, state => state.Revision));

    /// <summary>State and entries as one statement finds them, verified.</summary>
    /// <exception cref="TamperedException">They are not what the service wrote last.</exception>
    private KeyRingRecords Verified(SecretsDbContext db)
    {
        // Before: what another thread sees meanwhile may be newer than what is read here.
        var seen = Seen;
        var read =
            (from state in db.IntegrityStates
             where state.Id == IntegrityTable.KeyRing
             from row in db.KeyRing.DefaultIfEmpty()
             select new { State = state, Row = row }).ToList();
        var records = read.Count > 0
            ? new KeyRingRecords(read[0].State, [.. read.Select(one => one.Row).OfType<KeyRingRow>()])
            : throw new TamperedException("The state of the key ring was removed.");
        tags.Require(records);
        if (records.State.Revision < seen.Revision || (records.State.Revision == seen.Revision && !records.State.Tag.AsSpan().SequenceEqual(seen.Tag)))
        {
            throw new TamperedException($"The key ring was set back to revision {records.State.Revision}, and revision {seen.Revision} was there before.");
        }

        return records;
    }

    /// <summary>State and entries, verified. What does not verify is read once more, under the lock.</summary>
    /// <exception cref="TamperedException">They are not what the service wrote last.</exception>
    private KeyRingRecords ReadVerified(SecretsDbContext db)
    {
        try
        {
            return Verified(db);
        }
        catch (TamperedException)
        {
            // A server without row versions may show half of a change, and one behind a proxy may lag. Under the lock nothing changes, and the answer is the primary's.
            using var transaction = db.Database.BeginTransaction();
            Lock(db);
            return Verified(db);
        }
    }

    /// <summary>Notes a state that is committed.</summary>
    public void Saw(IntegrityStateRow state)
    {
        lock (_lock)
        {
            if (state.Revision > _seen.Revision)
            {
                _seen = (state.Revision, state.Tag);
            }
        }
    }

    private IReadOnlyList<KeyRingRow> RequireRootKey(IReadOnlyList<KeyRingRow> rows) => rows.All(row => RootKeyXml.IsFor(row, rootKey))
        ? rows
        : throw new ConflictException("The key ring is under another root key than this process has: start it again with that.");
}
