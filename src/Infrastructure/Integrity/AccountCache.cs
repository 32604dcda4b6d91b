using Secrets.Infrastructure.Foundation;
using Secrets.Infrastructure.Persistence.Rows;

namespace Secrets.Infrastructure.Integrity;

/// <summary>
/// Accounts as this process last committed them. A group of creates uses them without a read; its statement fails if an account has changed since.
/// Every committed account also raises the version floor of its holder.
/// </summary>
internal sealed class AccountCache(VersionFloors<SecretOwner> ownerFloors, VersionFloors<Guid> userFloors)
{
    // About 350 bytes per entry, in two generations.
    private readonly BoundedCache<SecretOwner, CachedAccount?> _accounts = new(size: 50_000);

    /// <summary>The cached account of an owner; null: the account must be read.</summary>
    public CachedAccount? Find(SecretOwner owner) => _accounts.TryFind(owner, out var account) ? account : null;

    public void Note(SecretOwner owner, CachedAccount account)
    {
        _accounts.Add(owner, account);
        ownerFloors.Raise(owner, account.Account.Version, account.Sealed);
    }

    public void Note(KeyAccountRow row) => userFloors.Raise(row.UserId, row.Version, row.Account);

    /// <summary>Removes an owner, so that the next create reads the account.</summary>
    public void Forget(SecretOwner owner) => _accounts.Add(owner, null);
}
