using Secrets.Application.Secrets;
using Secrets.Infrastructure.Persistence.Rows;

namespace Secrets.Infrastructure.Persistence;

/// <summary>The change of an owner's account by a group of creates.</summary>
/// <param name="Owner">The owner.</param>
/// <param name="Before">The account that the database must have before.</param>
/// <param name="After">The account after the creates.</param>
internal sealed record AccountChange(SecretOwner Owner, CachedAccount Before, CachedAccount After);

/// <summary>Stores many new secrets at once, in the SQL of one database. Every method needs a transaction. Nothing is tracked.</summary>
internal interface INewSecretStore
{
    /// <summary>Locks owners in the given order, which must be the lock order, and then reads their latest accounts.</summary>
    Task<IReadOnlyList<OwnerRow>> LockAsync(SecretsDbContext db, IReadOnlyList<SecretOwner> owners);

    /// <summary>Stores the secrets that violate no unique rule. Returns one result for each secret, null if it was not stored.</summary>
    Task<IReadOnlyList<NewSecret?>> StoreAsync(SecretsDbContext db, IReadOnlyList<Secret> secrets);

    /// <summary>Writes the accounts of locked owners and increments their stamps.</summary>
    Task UpdateAccountsAsync(SecretsDbContext db, IReadOnlyList<AccountChange> accounts);
}

/// <summary>A store that can create and commit in one round trip if no conflict occurs.</summary>
internal interface INewSecretsAtOnce
{
    /// <summary>
    /// Stores all secrets, their owners' accounts and the audit rows, and commits, in one round trip. Locks owners in the order of the accounts.
    /// </summary>
    /// <param name="db">In a transaction, which this ends.</param>
    /// <param name="secrets">The sealed secrets.</param>
    /// <param name="accounts">In lock order.</param>
    /// <param name="rows">The audit rows.</param>
    /// <returns>Done: one result for each secret. Refused: a conflict or an unexpected account. Displaced: the audit chain ends elsewhere.</returns>
    Task<(AuditWrite Outcome, IReadOnlyList<NewSecret> Stored)> StoreAllAsync(
        SecretsDbContext db, IReadOnlyList<Secret> secrets, IReadOnlyList<AccountChange> accounts, AuditAppend rows);
}
