using Secrets.Application.Common;
using Secrets.Domain.Secrets;

namespace Secrets.Infrastructure.Persistence;

/// <summary>Stores many new secrets at once, in the words of one database.</summary>
internal interface INewSecretStore
{
    /// <summary>
    /// Stores those that neither a unique rule nor their owner's quota is in the way of; one answer for each, null for what was not
    /// stored. Owners are locked in one order, so that no two calls lock each other out.
    /// </summary>
    /// <param name="db">In a transaction, which stays open; nothing is tracked.</param>
    /// <param name="secrets">Sealed.</param>
    Task<IReadOnlyList<NewSecret?>> StoreAsync(SecretsDbContext db, IReadOnlyList<Secret> secrets);
}
