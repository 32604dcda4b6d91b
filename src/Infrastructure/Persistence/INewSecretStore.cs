using Secrets.Application.Secrets;
using Secrets.Domain.Secrets;
using Secrets.Infrastructure.Persistence.Rows;

namespace Secrets.Infrastructure.Persistence;

/// <summary>What a group of creates makes of an owner's account.</summary>
/// <param name="Owner">The owner.</param>
/// <param name="Before">The account that the database must have.</param>
/// <param name="After">The account that it has then.</param>
internal sealed record AccountMove(SecretOwner Owner, CachedAccount Before, CachedAccount After);

/// <summary>Stores many new secrets at once, in the words of one database. Every method runs in a transaction, and nothing is tracked.</summary>
internal interface INewSecretStore
{
    /// <summary>Locks owners, in the order in which they are given and which is the same for everybody, and reads their accounts: what the last write left.</summary>
    Task<IReadOnlyList<OwnerRow>> LockAsync(SecretsDbContext db, IReadOnlyList<SecretOwner> owners);

    /// <summary>Stores those of the secrets that no unique rule is in the way of. One answer for each, null for what was not stored.</summary>
    Task<IReadOnlyList<NewSecret?>> StoreAsync(SecretsDbContext db, IReadOnlyList<Secret> secrets);

    /// <summary>Gives owners that are locked their accounts, and moves their stamps.</summary>
    Task MoveAsync(SecretsDbContext db, IReadOnlyList<AccountMove> accounts);
}

/// <summary>A store that can also do it in one round trip, when nothing is in the way.</summary>
internal interface INewSecretsAtOnce
{
    /// <summary>
    /// Stores all of them, their owners' accounts and the rows of the audit that tell of them, and commits, in one round trip. Owners are locked in the order of their accounts.
    /// </summary>
    /// <param name="db">In a transaction, which is over after this.</param>
    /// <param name="secrets">Sealed.</param>
    /// <param name="accounts">In the order in which owners are locked.</param>
    /// <param name="rows">Of the audit.</param>
    /// <returns>Done: one result for each secret. Refused: a conflict, or an account is not the expected one; nothing is stored. Displaced: the audit chain ends elsewhere.</returns>
    Task<(AuditWrite Outcome, IReadOnlyList<NewSecret> Stored)> StoreAllAsync(
        SecretsDbContext db, IReadOnlyList<Secret> secrets, IReadOnlyList<AccountMove> accounts, AuditAppend rows);
}
