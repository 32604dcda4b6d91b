using Secrets.Infrastructure.Encryption;
using Secrets.Infrastructure.Persistence.Rows;

namespace Secrets.Infrastructure.Transactions;

/// <summary>A locked account and its changes so far.</summary>
/// <param name="row">The row of the account.</param>
/// <param name="account">The account, verified under the lock.</param>
/// <param name="digests">The digests of the verified rows, by id.</param>
internal sealed class LockedAccount<TRow>(TRow row, Account account, IReadOnlyDictionary<Guid, RowDigest> digests)
{
    private readonly Dictionary<Guid, RowDigest?> _changed = [];
    private readonly long _version = account.Version;
    private IReadOnlyDictionary<Guid, RowDigest> _digests = digests;

    public TRow Row => row;

    /// <summary>The account with all changes so far.</summary>
    public Account Account { get; private set; } = account;

    public bool IsChanged => NeedsSeal || Account.Version > _version;

    /// <summary>Whether the account has changed since its last seal.</summary>
    public bool NeedsSeal { get; private set; }

    /// <summary>The number of the integrity key of the digests.</summary>
    public int IntegrityKey => Account.IntegrityKey;

    public bool IsInQuarantine { get; private set; }

    /// <summary>
    /// Puts the account into quarantine. If its rows did not verify, the digest is dropped: then only <c>integrity accept</c> ends the quarantine.
    /// </summary>
    public void Quarantine(bool isVerified)
    {
        IsInQuarantine = NeedsSeal = true;
        Account = Account with { Digest = isVerified ? Account.Digest : default };
    }

    /// <summary>Has the account sealed again although no row changed.</summary>
    public void Renew() => NeedsSeal = true;

    /// <summary>Gives the changed account a new version for its seal. A transaction that saves twice gives it two.</summary>
    public Account RaiseVersion()
    {
        NeedsSeal = false;
        return Account = (Account with { Version = _version }).WithNextVersion();
    }

    /// <summary>Moves the account to another integrity key, under which its rows have these digests. Must precede all other changes.</summary>
    public void MoveTo(int integrityKey, IReadOnlyDictionary<Guid, RowDigest> digests)
    {
        _digests = digests;
        NeedsSeal = true;
        Account = Account with { Digest = RowDigest.Sum(digests.Values), IntegrityKey = integrityKey };
    }

    /// <summary>Applies the change of one row.</summary>
    /// <param name="id">The id of the row.</param>
    /// <param name="before">The digest of the row before the change; null: the row is new.</param>
    /// <param name="after">The digest after the change; null: the row is deleted.</param>
    /// <param name="update">Updates the other fields of the account.</param>
    /// <exception cref="TamperedOwnerException">The row before the change is not the verified row.</exception>
    public void Change(Guid id, RowDigest? before, RowDigest? after, Func<Account, Account> update)
    {
        if (before != (_changed.TryGetValue(id, out var changed) ? changed : _digests.TryGetValue(id, out var verified) ? verified : null))
        {
            throw new TamperedOwnerException();
        }

        _changed[id] = after;
        NeedsSeal = true;
        Account = update(Account) with { Digest = Account.Digest - (before ?? default) + (after ?? default) };
    }
}
