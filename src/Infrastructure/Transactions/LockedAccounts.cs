using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.ChangeTracking;
using Secrets.Application.Common;
using Secrets.Domain.ApiKeys;
using Secrets.Domain.Audit;
using Secrets.Domain.Secrets;
using Secrets.Infrastructure.Encryption;
using Secrets.Infrastructure.Encryption.Ring;
using Secrets.Infrastructure.Integrity;
using Secrets.Infrastructure.Persistence;
using Secrets.Infrastructure.Persistence.Rows;

namespace Secrets.Infrastructure.Transactions;

/// <summary>
/// The accounts that a transaction has locked and verified, and what its changes make of them. A row that the transaction changes must be the one that was verified: somebody may have put
/// another in its place between the two reads.
/// </summary>
internal sealed class LockedAccounts(SecretsDbContext db, OwnerSeals ownerSeals, ApiKeySeals keySeals, IntegrityKeys integrity, AccountCache known) : ITransactionAccounts
{
    private readonly Dictionary<SecretOwner, Locked<Owner>> _owners = [];
    private readonly Dictionary<Guid, Locked<KeyAccountRow>> _users = [];
    private readonly Dictionary<SecretOwner, VerifiedOwner> _verified = [];

    /// <summary>The owners whose accounts the transaction changed, as they are now.</summary>
    private IEnumerable<(SecretOwner Owner, CachedAccount Account)> ChangedOwners =>
        _owners.Where(pair => pair.Value.IsChanged).Select(pair => (pair.Key, new CachedAccount(pair.Value.Account, pair.Value.Row.Account)));

    /// <summary>The accounts of keys that the transaction changed, as they are now.</summary>
    private IEnumerable<KeyAccountRow> ChangedUsers => _users.Values.Where(locked => locked.IsChanged).Select(locked => locked.Row);

    /// <summary>What is known of an owner that is locked; null: it is not.</summary>
    public VerifiedOwner? Find(SecretOwner owner) => _verified.GetValueOrDefault(owner);

    /// <summary>Whether a user's keys are locked.</summary>
    public bool Has(Guid userId) => _users.ContainsKey(userId);

    /// <summary>Takes an owner that was locked and verified. Where there is none, one is opened.</summary>
    public void Add(SecretOwner owner, VerifiedOwner verified)
    {
        var row = new Owner(owner);
        row.MoveTo(verified.Account.Version, verified.Account.Count, verified.Account.Bytes, verified.Sealed ?? []);
        db.Entry(row).State = verified.Sealed is null ? EntityState.Detached : EntityState.Unchanged;
        _owners.Add(owner, new Locked<Owner>(row, verified.Account, verified.Digests));
        _verified.Add(owner, verified);
    }

    /// <summary>Takes a user's keys that were locked and verified. Where there is no account, one is opened.</summary>
    public void Add(Guid userId, VerifiedApiKeys verified)
    {
        var row = new KeyAccountRow { UserId = userId, Version = verified.Account.Version, Keys = verified.Account.Count, Account = verified.Sealed ?? [] };
        db.Entry(row).State = verified.Sealed is null ? EntityState.Detached : EntityState.Unchanged;
        _users.Add(userId, new Locked<KeyAccountRow>(row, verified.Account, verified.Digests));
    }

    /// <summary>Declares the rows of an owner those of that version, without verifying them.</summary>
    public void Adopt(SecretOwner owner, OwnerRows found, long version)
    {
        var newest = integrity.Newest;
        var digests = ownerSeals.DigestsOf(found.Secrets, found.DataKeys, newest);
        var account = new Account(version, found.Secrets.Count, found.Secrets.Sum(secret => (long)secret.Size), RowDigest.Sum(digests.Values), CurrentKey: default, newest);
        Add(owner, new VerifiedOwner(found.Owner.Stamp, account, found.Secrets, found.DataKeys) { Sealed = found.Owner.Account, Digests = digests });
        WriteAll(_owners[owner].Row, nameof(Owner.Stamp));
    }

    /// <summary>Declares keys of a user those of that version, without verifying them.</summary>
    public void Adopt(Guid userId, KeyAccountRow? stored, List<ApiKey> live, long version)
    {
        var newest = integrity.Newest;
        var digests = DigestsOf(live, newest);
        Add(userId, new VerifiedApiKeys(new Account(version, live.Count, Bytes: 0, RowDigest.Sum(digests.Values), CurrentKey: default, newest), stored?.Account, digests));
        _users[userId].Touch();
        WriteAll(_users[userId].Row, nameof(KeyAccountRow.Stamp));
    }

    /// <summary>Has the account of an owner that is locked made with the newest integrity key, if it is not.</summary>
    public void MoveToNewestKey(SecretOwner owner)
    {
        var (verified, newest) = (_verified[owner], integrity.Newest);
        if (verified.Account.IntegrityKey != newest)
        {
            _owners[owner].MoveTo(newest, ownerSeals.DigestsOf(verified.Secrets, verified.DataKeys, newest));
        }
    }

    /// <summary>Has the account of a user's keys, which are locked, made with the newest integrity key, if it is not.</summary>
    /// <param name="userId">The user.</param>
    /// <param name="live">The keys that are not revoked, as they were read under the lock.</param>
    /// <exception cref="TamperedOwnerException">They are not the ones that were verified.</exception>
    public void MoveToNewestKey(Guid userId, List<ApiKey> live)
    {
        var (locked, newest) = (_users[userId], integrity.Newest);
        if (RowDigest.Sum(DigestsOf(live, locked.Account.IntegrityKey).Values) != locked.Account.Digest)
        {
            throw new TamperedOwnerException();
        }

        if (locked.Key != newest)
        {
            locked.MoveTo(newest, DigestsOf(live, newest));
        }
    }

    /// <summary>Has the account of an owner that is locked not count any more.</summary>
    /// <param name="owner">The owner.</param>
    /// <param name="isVouchedFor">Whether the rows are those that were verified, so that they may count again as they are.</param>
    public void Quarantine(SecretOwner owner, bool isVouchedFor) => _owners[owner].Quarantine(isVouchedFor);

    /// <summary>Has the account of an owner that is locked count again, with the rows that were verified, though no row changes.</summary>
    public void Release(SecretOwner owner) => _owners[owner].Touch();

    /// <summary>Moves the accounts on by what is about to be saved.</summary>
    /// <exception cref="TamperedOwnerException">A row that is changed is not the one that was verified.</exception>
    public void Settle()
    {
        foreach (var entry in db.ChangeTracker.Entries().Where(entry => entry.State is EntityState.Added or EntityState.Modified or EntityState.Deleted).ToList())
        {
            switch (entry.Entity)
            {
                case Secret secret:
                    var owned = Locked(secret.Owner);
                    var (before, after) = (Before(entry, Original), After(entry, secret));
                    owned.Change(secret.Id, DigestOf(before, owned.Key), DigestOf(after, owned.Key), account => account with
                    {
                        Count = account.Count + (after is null ? 0 : 1) - (before is null ? 0 : 1),
                        Bytes = account.Bytes + (after?.Size ?? 0) - (before?.Size ?? 0),
                    });
                    break;
                case DataKeyRow key:
                    var owner = Locked(new SecretOwner(key.OwnerKind, key.OwnerId));
                    owner.Change(
                        key.Id,
                        DigestOf(Before(entry, Original<DataKeyRow>), owner.Key),
                        DigestOf(After(entry, key), owner.Key),
                        account => account with { CurrentKey = CurrentAfter(account, entry, key) });
                    break;
                case ApiKey key:
                    var user = LockedKeys(key.UserId);
                    var (keyBefore, keyAfter) = (Live(Before(entry, Original<ApiKey>)), Live(After(entry, key)));
                    user.Change(
                        key.Id,
                        DigestOf(keyBefore, user.Key),
                        DigestOf(keyAfter, user.Key),
                        account => account with { Count = account.Count + (keyAfter is null ? 0 : 1) - (keyBefore is null ? 0 : 1) });
                    break;
                default:
                    break;
            }
        }

        foreach (var (holder, locked) in _owners.Where(pair => pair.Value.IsChanged))
        {
            locked.Row.MoveTo(locked.Account.Version, locked.Account.Count, locked.Account.Bytes, locked.IsInQuarantine ? ownerSeals.SealInQuarantine(holder, locked.Account) : ownerSeals.Seal(holder, locked.Account));
            Track(locked);
        }

        foreach (var (userId, locked) in _users.Where(pair => pair.Value.IsChanged))
        {
            (locked.Row.Version, locked.Row.Keys, locked.Row.Account) = (locked.Account.Version, locked.Account.Count, keySeals.Seal(userId, locked.Account));
            Track(locked);
        }
    }

    /// <summary>
    /// Gives events the versions of the accounts that they changed, and adds <c>account.change</c> for each changed account that no event covers: a version that is missing from the audit could be
    /// set back unnoticed. Version 1 needs none: nothing is sealed with its data key yet.
    /// </summary>
    public IReadOnlyList<AuditEvent> WithVersions(IReadOnlyList<AuditEvent> facts, DateTimeOffset now)
    {
        var versioned = facts.Select(WithVersion).ToList();
        var change = AuditEvent.ByService(AuditAction.AccountChange, now);
        List<AuditEvent> uncovered =
        [
            .. ChangedOwners
                .Where(changed => changed.Account.Account.Version > 1 && !versioned.Exists(fact => fact is { TargetKeyUserId: null, OwnerVersion: not null } && fact.Owner == changed.Owner))
                .Select(changed => change with { Owner = changed.Owner, OwnerVersion = changed.Account.Account.Version }),
            .. ChangedUsers
                .Where(row => !versioned.Exists(fact => fact.TargetKeyUserId == row.UserId && fact.OwnerVersion is not null))
                .Select(row => change with { Owner = SecretOwner.User(row.UserId), TargetKeyUserId = row.UserId, OwnerVersion = row.Version }),
        ];
        versioned.AddRange(uncovered);
        return versioned;
    }

    public void Committed()
    {
        foreach (var (owner, account) in ChangedOwners)
        {
            known.Note(owner, account);
        }

        foreach (var row in ChangedUsers)
        {
            known.Note(row);
        }
    }

    private AuditEvent WithVersion(AuditEvent fact) => fact switch
    {
        { TargetKeyUserId: { } user } => _users.GetValueOrDefault(user) is { IsChanged: true } locked ? fact with { OwnerVersion = locked.Account.Version } : fact,
        { TargetKeyId: null, Owner: { } owner } => _owners.GetValueOrDefault(owner) is { IsChanged: true } locked ? fact with { OwnerVersion = locked.Account.Version } : fact,
        _ => fact,
    };

    private Dictionary<Guid, RowDigest> DigestsOf(List<ApiKey> keys, int integrityKey) => keys.ToDictionary(key => key.Id, key => keySeals.DigestOf(key, integrityKey));

    /// <summary>Has every column but one written: what stands in the row may be anything.</summary>
    private void WriteAll(object row, string except)
    {
        var entry = db.Entry(row);
        if (entry.State == EntityState.Unchanged)
        {
            entry.State = EntityState.Modified;
            entry.Property(except).IsModified = false;
        }
    }

    private Locked<Owner> Locked(SecretOwner owner) =>
        _owners.GetValueOrDefault(owner) ?? throw new InvalidOperationException("Rows of an owner are changed, and the owner is not locked.");

    private Locked<KeyAccountRow> LockedKeys(Guid userId) =>
        _users.GetValueOrDefault(userId) ?? throw new InvalidOperationException("Keys of a user are changed, and the user's keys are not locked.");

    private void Track<TRow>(Locked<TRow> locked)
        where TRow : class
    {
        if (db.Entry(locked.Row) is { State: EntityState.Detached } entry)
        {
            integrity.RequireNewest(locked.Key);
            entry.State = EntityState.Added;
        }
    }

    private static T? Before<T>(EntityEntry entry, Func<EntityEntry, T> original)
        where T : class => entry.State == EntityState.Added ? null : original(entry);

    private static T? After<T>(EntityEntry entry, T entity)
        where T : class => entry.State == EntityState.Deleted ? null : entity;

    private static ApiKey? Live(ApiKey? key) => key is { RevokedAt: null } ? key : null;

    private static Guid CurrentAfter(Account account, EntityEntry entry, DataKeyRow key) =>
        entry.State != EntityState.Deleted && key.RetiredAt is null ? key.Id : account.CurrentKey == key.Id ? Guid.Empty : account.CurrentKey;

    private static T Original<T>(EntityEntry entry) => (T)entry.OriginalValues.ToObject();

    /// <summary>The secret as it was read, with the grants that were read with it.</summary>
    private StoredSecret Original(EntityEntry entry)
    {
        var secret = StoredSecret.FromEntity(Original<Secret>(entry));
        var grants = db.ChangeTracker.Entries<WorkspaceGrant>()
            .Where(grant => grant.State != EntityState.Added && grant.Property<Guid>("SecretId").OriginalValue == secret.Id)
            .Select(grant => new StoredGrant(grant.Property(row => row.Number).OriginalValue, grant.Property(row => row.Workspace).OriginalValue));
        return secret with { Grants = [.. grants.OrderBy(grant => grant.Number)] };
    }

    private RowDigest? DigestOf(StoredSecret? secret, int integrityKey) => secret is null ? null : ownerSeals.DigestOf(secret, integrityKey);

    private static StoredSecret? After(EntityEntry entry, Secret secret) => entry.State == EntityState.Deleted ? null : StoredSecret.FromEntity(secret);

    private RowDigest? DigestOf(DataKeyRow? key, int integrityKey) => key is null ? null : ownerSeals.DigestOf(key, integrityKey);

    private RowDigest? DigestOf(ApiKey? key, int integrityKey) => key is null ? null : keySeals.DigestOf(key, integrityKey);
}

/// <summary>An account that a transaction holds.</summary>
/// <param name="row">Its row.</param>
/// <param name="account">The account as it was verified under the lock.</param>
/// <param name="digests">The digests of its rows then.</param>
internal sealed class Locked<TRow>(TRow row, Account account, IReadOnlyDictionary<Guid, RowDigest> digests)
{
    private readonly Dictionary<Guid, RowDigest?> _changed = [];
    private IReadOnlyDictionary<Guid, RowDigest> _digests = digests;
    private readonly long _version = account.Version;

    public TRow Row => row;

    /// <summary>The account with what was changed so far.</summary>
    public Account Account { get; private set; } = account;

    public bool IsChanged => Account.Version > _version;

    /// <summary>The number of the integrity key that its digests are made with.</summary>
    public int Key => Account.IntegrityKey;

    /// <summary>Whether it is sealed so that it does not count.</summary>
    public bool IsInQuarantine { get; private set; }

    /// <summary>Has it sealed so that it does not count, though no row changes.</summary>
    public void Quarantine(bool isVouchedFor)
    {
        IsInQuarantine = true;
        Account = Account with { Version = _version + 1, Digest = isVouchedFor ? Account.Digest : default };
    }

    /// <summary>Moves the version on, though no row changes.</summary>
    public void Touch() => Account = Account with { Version = _version + 1 };

    /// <summary>Makes the account with another integrity key: these are the digests of its rows. Before anything else is changed.</summary>
    public void MoveTo(int integrityKey, IReadOnlyDictionary<Guid, RowDigest> digests)
    {
        _digests = digests;
        Account = Account with { Version = _version + 1, Digest = RowDigest.Sum(digests.Values), IntegrityKey = integrityKey };
    }

    /// <summary>Takes a change of one row.</summary>
    /// <param name="id">The row.</param>
    /// <param name="before">Its digest as it was read; null: it is new.</param>
    /// <param name="after">Its digest as it will be; null: it goes.</param>
    /// <param name="rest">What else the account says.</param>
    /// <exception cref="TamperedOwnerException">The row that was read is not the one that was verified.</exception>
    public void Change(Guid id, RowDigest? before, RowDigest? after, Func<Account, Account> rest)
    {
        if (before != (_changed.TryGetValue(id, out var changed) ? changed : _digests.TryGetValue(id, out var known) ? known : null))
        {
            throw new TamperedOwnerException();
        }

        _changed[id] = after;
        Account = rest(Account) with { Version = _version + 1, Digest = Account.Digest - (before ?? default) + (after ?? default) };
    }
}
