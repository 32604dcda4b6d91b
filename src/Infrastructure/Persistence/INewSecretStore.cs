using Secrets.Application.Common;
using Secrets.Domain.Secrets;

namespace Secrets.Infrastructure.Persistence;

/// <summary>Stores many new secrets at once, in the words of one database.</summary>
internal interface INewSecretStore
{
    /// <summary>
    /// Stores those that neither a unique rule nor their owner's quota is in the way of, and that are sealed with a key which is still one to seal with; one
    /// answer for each, null for what was not stored. Owners are locked in one order, so that no two calls lock each other out.
    /// </summary>
    /// <param name="db">In a transaction, which stays open; nothing is tracked.</param>
    /// <param name="secrets">Sealed.</param>
    Task<IReadOnlyList<NewSecret?>> StoreAsync(SecretsDbContext db, IReadOnlyList<Secret> secrets);
}

/// <summary>A store that can also do it in one round trip, when nothing is in the way.</summary>
internal interface INewSecretsAtOnce
{
    /// <summary>
    /// Stores all of them and the rows of the audit that tell of them, and commits, in one round trip. Owners are locked in the same order as by
    /// <see cref="INewSecretStore.StoreAsync"/>.
    /// </summary>
    /// <param name="db">In a transaction, which is over after this.</param>
    /// <param name="secrets">Sealed.</param>
    /// <param name="rows">Of the audit.</param>
    /// <returns>One answer for each where it was done; it is refused where anything is in the way of a single one.</returns>
    Task<(AuditWrite Outcome, IReadOnlyList<NewSecret> Stored)> StoreAllAsync(SecretsDbContext db, IReadOnlyList<Secret> secrets, AuditAppend rows);
}
