using Microsoft.EntityFrameworkCore.Storage;

namespace Secrets.Infrastructure.Persistence;

/// <summary>The accounts that a transaction has locked. The context calls this before it saves and after the commit.</summary>
internal interface ITransactionAccounts
{
    /// <summary>Adds the unsaved changes to the accounts.</summary>
    void Settle();

    /// <summary>Sets the account versions in audit events, and adds an event for each changed account without one.</summary>
    IReadOnlyList<AuditEvent> WithVersions(IReadOnlyList<AuditEvent> auditEvents, DateTimeOffset now);

    /// <summary>Raises an alarm for all locked accounts: a verified row has changed, or a write had no effect. The service itself never causes this.</summary>
    Task ReportAsync();

    /// <summary>Notes the committed versions of the changed accounts.</summary>
    void Committed();
}

/// <summary>Ends a transaction together with its audit rows.</summary>
internal interface IAuditCommit
{
    /// <summary>Writes audit events, or none, in the context's transaction and commits the transaction.</summary>
    /// <exception cref="UnavailableException">The events could not be written, or the outcome is unknown.</exception>
    Task CommitAsync(SecretsDbContext db, IReadOnlyList<AuditEvent> events, IDbContextTransaction transaction);
}

/// <summary>The integrity key was replaced during a transaction. A retry uses the new key.</summary>
internal sealed class StaleKeyException() : Exception("The integrity key was replaced during the transaction.");
