using Microsoft.EntityFrameworkCore.Storage;

namespace Secrets.Infrastructure.Persistence;

/// <summary>Ends a transaction together with its audit rows.</summary>
internal interface IAuditCommit
{
    /// <summary>Writes audit events, or none, in the context's transaction and commits the transaction.</summary>
    /// <exception cref="UnavailableException">The events could not be written, or the outcome is unknown.</exception>
    Task CommitAsync(SecretsDbContext db, IReadOnlyList<AuditEvent> events, IDbContextTransaction transaction);
}
