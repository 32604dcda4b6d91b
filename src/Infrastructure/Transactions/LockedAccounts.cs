using Microsoft.EntityFrameworkCore.ChangeTracking;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Secrets.Domain.ApiKeys;
using Secrets.Infrastructure.Encryption;
using Secrets.Infrastructure.Encryption.Ring;
using Secrets.Infrastructure.Integrity;
using Secrets.Infrastructure.Persistence;
using Secrets.Infrastructure.Persistence.Rows;

namespace Secrets.Infrastructure.Transactions;

/// <summary>
/// The accounts that a transaction has locked and verified, updated with the changes of the transaction. A changed row must equal the verified row:
/// somebody may replace a row after it was verified and before EF Core reads it for the change.
/// </summary>
internal sealed class LockedAccounts(SecretsDbContext db, OwnerSeals ownerSeals, ApiKeySeals keySeals, IntegrityKeys integrity, AccountCache cache)
    : ITransactionAccounts
{
    private readonly Dictionary<SecretOwner, LockedAccount<Owner>> _owners = [];
    private readonly Dictionary<Guid, LockedAccount<KeyAccountRow>> _users = [];
    private readonly Dictionary<SecretOwner, VerifiedOwner> _verified = [];

    /// <summary>The owners whose accounts the transaction changed, with the new accounts.</summary>
    private IEnumerable<(SecretOwner Owner, CachedAccount Account)> ChangedOwners =>
        _owners.Where(pair => pair.Value.IsChanged).Select(pair => (pair.Key, new CachedAccount(pair.Value.Account, pair.Value.Row.Account)));

    private IEnumerable<KeyAccountRow> ChangedUsers => _users.Values.Where(locked => locked.IsChanged).Select(locked => locked.Row);

    /// <summary>The verified rows of a locked owner; null: the owner is not locked.</summary>
    public VerifiedOwner? Find(SecretOwner owner) => _verified.GetValueOrDefault(owner);

    public bool Has(Guid userId) => _users.ContainsKey(userId);

    /// <summary>Adds a locked and verified owner. If the owner has no row, a change inserts one.</summary>
    public void Add(SecretOwner owner, VerifiedOwner verified)
    {
        var row = new Owner(owner);
        row.MoveTo(verified.Account.Version, verified.Account.Count, verified.Account.Bytes, verified.Sealed ?? []);
        db.Entry(row).State = verified.Sealed is null ? EntityState.Detached : EntityState.Unchanged;
        _owners.Add(owner, new LockedAccount<Owner>(row, verified.Account, verified.Digests));
        _verified.Add(owner, verified);
    }

    /// <summary>Adds a user's locked and verified API keys. If their account has no row, a change inserts one.</summary>
    public void Add(Guid userId, VerifiedApiKeys verified)
    {
        var account = verified.Account;
        var row = new KeyAccountRow { UserId = userId, Version = account.Version, Keys = account.Count, Account = verified.Sealed ?? [] };
        db.Entry(row).State = verified.Sealed is null ? EntityState.Detached : EntityState.Unchanged;
        _users.Add(userId, new LockedAccount<KeyAccountRow>(row, account, verified.Digests));
    }

    /// <summary>Makes the stored rows of an owner current, without verifying them. The account's next version is larger than <paramref name="version"/>.</summary>
    public void Adopt(SecretOwner owner, OwnerRows found, long version)
    {
        var newest = integrity.Newest;
        var digests = ownerSeals.DigestsOf(found.Secrets, found.DataKeys, newest);
        var bytes = found.Secrets.Sum(secret => (long)secret.Size);
        var account = new Account(version, found.Secrets.Count, bytes, RowDigest.Sum(digests.Values), CurrentKey: default, newest);
        Add(owner, new VerifiedOwner(found.Owner.Stamp, account, found.Secrets, found.DataKeys) { Sealed = found.Owner.Account, Digests = digests });
        WriteAll(_owners[owner].Row, nameof(Owner.Stamp));
    }

    /// <summary>Makes the stored API keys of a user current, without verifying them. The account's next version is larger than <paramref name="version"/>.</summary>
    public void Adopt(Guid userId, KeyAccountRow? stored, List<ApiKey> unrevoked, long version)
    {
        var newest = integrity.Newest;
        var digests = DigestsOf(unrevoked, newest);
        var account = new Account(version, unrevoked.Count, Bytes: 0, RowDigest.Sum(digests.Values), CurrentKey: default, newest);
        Add(userId, new VerifiedApiKeys(account, stored?.Account, digests));
        _users[userId].Renew();
        WriteAll(_users[userId].Row, nameof(KeyAccountRow.Stamp));
    }

    /// <summary>Moves the account of a locked owner to the newest integrity key.</summary>
    public void MoveToNewestKey(SecretOwner owner)
    {
        var (verified, newest) = (_verified[owner], integrity.Newest);
        if (verified.Account.IntegrityKey != newest)
        {
            _owners[owner].MoveTo(newest, ownerSeals.DigestsOf(verified.Secrets, verified.DataKeys, newest));
        }
    }

    /// <summary>Moves the account of a user's locked API keys to the newest integrity key. <paramref name="unrevoked"/> are the verified ones.</summary>
    public void MoveToNewestKey(Guid userId, List<ApiKey> unrevoked)
    {
        var (locked, newest) = (_users[userId], integrity.Newest);
        if (locked.IntegrityKey != newest)
        {
            locked.MoveTo(newest, DigestsOf(unrevoked, newest));
        }
    }

    /// <summary>Whether API keys that were read again are the verified ones of a locked user.</summary>
    public bool AreVerified(Guid userId, List<ApiKey> unrevoked)
    {
        var account = _users[userId].Account;
        try
        {
            return RowDigest.Sum(DigestsOf(unrevoked, account.IntegrityKey).Values) == account.Digest;
        }
        catch (ArgumentException)
        {
            return false; // a row has a value that the service never writes
        }
    }

    /// <summary>Whether an unchanged secret of a locked owner is the verified one.</summary>
    public bool IsVerified(Secret secret)
    {
        try
        {
            // The row may name another owner than the query asked for.
            return Find(secret.Owner) is { } verified
                && verified.Digests.TryGetValue(secret.Id, out var digest)
                && digest == DigestOf(StoredSecret.FromEntity(secret), verified.Account.IntegrityKey);
        }
        catch (ArgumentException)
        {
            return false; // the row has a value that the service never writes
        }
    }

    /// <summary>Puts a locked owner into quarantine. If the rows verified, an operator can release them unchanged.</summary>
    public void Quarantine(SecretOwner owner, bool isVerified) => _owners[owner].Quarantine(isVerified);

    /// <summary>Ends the quarantine of a locked owner whose rows verified.</summary>
    public void Release(SecretOwner owner) => _owners[owner].Renew();

    /// <summary>Applies the changes that are about to be saved to the accounts.</summary>
    /// <exception cref="TamperedOwnerException">A changed row is not the row that was verified.</exception>
    public void Settle()
    {
        var changes = db.ChangeTracker.Entries().Where(entry => entry.State is EntityState.Added or EntityState.Modified or EntityState.Deleted);
        foreach (var entry in changes.ToList())
        {
            switch (entry.Entity)
            {
                case Secret secret:
                    Apply(entry, secret);
                    break;
                case DataKeyRow key:
                    Apply(entry, key);
                    break;
                case ApiKey key:
                    Apply(entry, key);
                    break;
                default:
                    break;
            }
        }

        foreach (var (owner, locked) in _owners.Where(pair => pair.Value.NeedsSeal))
        {
            var account = locked.RaiseVersion();
            var seal = locked.IsInQuarantine ? ownerSeals.SealInQuarantine(owner, account) : ownerSeals.Seal(owner, account);
            locked.Row.MoveTo(account.Version, account.Count, account.Bytes, seal);
            Track(locked);
        }

        foreach (var (userId, locked) in _users.Where(pair => pair.Value.NeedsSeal))
        {
            var account = locked.RaiseVersion();
            (locked.Row.Version, locked.Row.Keys, locked.Row.Account) = (account.Version, account.Count, keySeals.Seal(userId, account));
            Track(locked);
        }
    }

    /// <summary>
    /// Adds to each event the version of the account that it changed. A changed account without an event gets an event <c>account.change</c>: a version that
    /// is not in the audit could be rolled back unnoticed. The first version without a secret needs no event, because its data key has sealed no value yet.
    /// </summary>
    public IReadOnlyList<AuditEvent> WithVersions(IReadOnlyList<AuditEvent> auditEvents, DateTimeOffset now)
    {
        var versioned = auditEvents.Select(WithVersion).ToList();
        var change = AuditEvent.ByService(AuditAction.AccountChange, now);
        List<AuditEvent> uncovered =
        [
            .. ChangedOwners
                .Select(changed => change with { Owner = changed.Owner, OwnerVersion = changed.Account.Account.Version })
                .Where(added => added.OwnerVersion > Account.First)
                .Where(added => !versioned.Exists(written => written is { TargetKeyUserId: null, OwnerVersion: not null } && written.Owner == added.Owner)),
            .. ChangedUsers
                .Where(row => !versioned.Exists(written => written.TargetKeyUserId == row.UserId && written.OwnerVersion is not null))
                .Select(row => change with { Owner = SecretOwner.User(row.UserId), TargetKeyUserId = row.UserId, OwnerVersion = row.Version }),
        ];
        versioned.AddRange(uncovered);
        return versioned;
    }

    public async Task ReportAsync()
    {
        const string Fault = "a row was changed after it was verified, or a write of it had no effect";
        foreach (var owner in _owners.Keys)
        {
            await db.GetService<IntegrityAlarms>().RaiseAsync(owner, Fault);
        }

        foreach (var userId in _users.Keys)
        {
            await db.GetService<IntegrityAlarms>().RaiseKeysAsync(userId, Fault);
        }
    }

    public void Committed()
    {
        foreach (var (owner, account) in ChangedOwners)
        {
            cache.Note(owner, account);
            if (_owners[owner].IsInQuarantine)
            {
                cache.Forget(owner); // no create may take the account for one that verified
            }
        }

        foreach (var row in ChangedUsers)
        {
            cache.Note(row);
        }
    }

    private void Apply(EntityEntry entry, Secret secret)
    {
        var locked = Locked(secret.Owner);
        var (before, after) = (Before(entry, Original), entry.State == EntityState.Deleted ? null : StoredSecret.FromEntity(secret));
        locked.Change(secret.Id, DigestOf(before, locked.IntegrityKey), DigestOf(after, locked.IntegrityKey), account => account with
        {
            Count = account.Count + (after is null ? 0 : 1) - (before is null ? 0 : 1),
            Bytes = account.Bytes + (after?.Size ?? 0) - (before?.Size ?? 0),
        });
    }

    private void Apply(EntityEntry entry, DataKeyRow key)
    {
        var locked = Locked(new SecretOwner(key.OwnerKind, key.OwnerId));
        var (before, after) = (Before(entry, Original<DataKeyRow>), entry.State == EntityState.Deleted ? null : key);
        locked.Change(key.Id, DigestOf(before, locked.IntegrityKey), DigestOf(after, locked.IntegrityKey), account => account with
        {
            CurrentKey = after is { RetiredAt: null } ? key.Id : account.CurrentKey == key.Id ? Guid.Empty : account.CurrentKey,
        });
    }

    private void Apply(EntityEntry entry, ApiKey key)
    {
        var locked = LockedKeys(key.UserId);
        var (before, after) = (Unrevoked(Before(entry, Original<ApiKey>)), Unrevoked(entry.State == EntityState.Deleted ? null : key));
        locked.Change(key.Id, DigestOf(before, locked.IntegrityKey), DigestOf(after, locked.IntegrityKey), account => account with
        {
            Count = account.Count + (after is null ? 0 : 1) - (before is null ? 0 : 1),
        });
    }

    private AuditEvent WithVersion(AuditEvent auditEvent) => auditEvent switch
    {
        { TargetKeyUserId: { } id } when _users.GetValueOrDefault(id) is { IsChanged: true } keys => auditEvent with { OwnerVersion = keys.Account.Version },
        { TargetKeyUserId: null, TargetKeyId: null, Owner: { } owner } when _owners.GetValueOrDefault(owner) is { IsChanged: true } locked =>
            auditEvent with { OwnerVersion = locked.Account.Version },
        _ => auditEvent,
    };

    private Dictionary<Guid, RowDigest> DigestsOf(List<ApiKey> keys, int integrityKey) =>
        keys.ToDictionary(key => key.Id, key => keySeals.DigestOf(key, integrityKey));

    /// <summary>Marks every column but one as changed, so that nothing of a tampered row stays.</summary>
    private void WriteAll(object row, string except)
    {
        var entry = db.Entry(row);
        if (entry.State == EntityState.Unchanged)
        {
            entry.State = EntityState.Modified;
            entry.Property(except).IsModified = false;
        }
    }

    private LockedAccount<Owner> Locked(SecretOwner owner) =>
        _owners.GetValueOrDefault(owner) ?? throw new InvalidOperationException("The transaction changes rows of an owner that it has not locked.");

    private LockedAccount<KeyAccountRow> LockedKeys(Guid userId) =>
        _users.GetValueOrDefault(userId) ?? throw new InvalidOperationException("The transaction changes API keys of a user that it has not locked.");

    private void Track<TRow>(LockedAccount<TRow> locked)
        where TRow : class
    {
        if (db.Entry(locked.Row) is { State: EntityState.Detached } entry)
        {
            integrity.RequireNewest(locked.IntegrityKey);
            entry.State = EntityState.Added;
        }
    }

    private static T? Before<T>(EntityEntry entry, Func<EntityEntry, T> original)
        where T : class => entry.State == EntityState.Added ? null : original(entry);

    private static ApiKey? Unrevoked(ApiKey? key) => key is { RevokedAt: null } ? key : null;

    private static T Original<T>(EntityEntry entry) => (T)entry.OriginalValues.ToObject();

    /// <summary>The secret before the change, with its grants.</summary>
    private StoredSecret Original(EntityEntry entry)
    {
        var secret = StoredSecret.FromEntity(Original<Secret>(entry));
        var grants = db.ChangeTracker.Entries<WorkspaceGrant>()
            .Where(grant => grant.State != EntityState.Added && grant.Property<Guid>("SecretId").OriginalValue == secret.Id)
            .Select(grant => new StoredGrant(grant.Property(row => row.Number).OriginalValue, grant.Property(row => row.Workspace).OriginalValue));
        return secret with { Grants = [.. grants.OrderBy(grant => grant.Number)] };
    }

    private RowDigest? DigestOf(StoredSecret? secret, int integrityKey) => secret is null ? null : ownerSeals.DigestOf(secret, integrityKey);

    private RowDigest? DigestOf(DataKeyRow? key, int integrityKey) => key is null ? null : ownerSeals.DigestOf(key, integrityKey);

    private RowDigest? DigestOf(ApiKey? key, int integrityKey) => key is null ? null : keySeals.DigestOf(key, integrityKey);
}
