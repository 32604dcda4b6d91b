using Secrets.Domain.Secrets;
using Secrets.Infrastructure.Foundation;
using Secrets.Infrastructure.Persistence.Rows;

namespace Secrets.Infrastructure.Integrity;

/// <summary>
/// Accounts of owners as this process last left them, so that a group of creates need not read them first: it compares them as it stores. What is known to be stored is noted as seen, too.
/// </summary>
internal sealed class AccountCache(VersionFloors<SecretOwner> seenOwners, VersionFloors<Guid> seenUsers)
{
    // About 350 bytes each, and up to two generations of them.
    private readonly BoundedCache<SecretOwner, CachedAccount?> _accounts = new(size: 50_000);

    /// <summary>The account of an owner; null: it is to be read.</summary>
    public CachedAccount? Find(SecretOwner owner) => _accounts.TryFind(owner, out var account) ? account : null;

    /// <summary>Notes an account that is committed.</summary>
    public void Note(SecretOwner owner, CachedAccount account)
    {
        _accounts.Add(owner, account);
        seenOwners.Note(owner, account.Account.Version, account.Sealed);
    }

    /// <summary>Notes the account of a user's keys that a committed transaction changed.</summary>
    public void Note(KeyAccountRow row) => seenUsers.Note(row.UserId, row.Version, row.Account);

    /// <summary>Has the account read next time.</summary>
    public void Forget(SecretOwner owner) => _accounts.Add(owner, null);
}
