using Secrets.Domain.Audit;

namespace Secrets.Infrastructure.Persistence;

/// <summary>Stores rows of the audit, in the words of one database.</summary>
internal interface IAuditStore
{
    /// <summary>
    /// Stores entries of one chain and moves the chain's head to the last of them, all or nothing, in one round trip; false, and nothing
    /// of that, when the chain does not end right before the first. Part of the context's transaction if it is in one.
    /// </summary>
    /// <remarks>
    /// With <paramref name="commits"/> that transaction is committed, in the same round trip where the database can, and where the answer is false nothing
    /// of it is stored.
    /// </remarks>
    /// <param name="db">Whose connection to use; nothing of it is tracked.</param>
    /// <param name="entries">At least one; they follow each other.</param>
    /// <param name="headMac">Authenticates the last as the head.</param>
    /// <param name="commits">Whether the context's transaction ends with this.</param>
    Task<bool> AppendAsync(SecretsDbContext db, IReadOnlyList<AuditEntry> entries, byte[] headMac, bool commits);
}
