using Secrets.Domain.Audit;

namespace Secrets.Infrastructure.Persistence;

/// <summary>The accounts that a transaction has locked. The context settles them before it saves, and tells them of the commit.</summary>
internal interface ITransactionAccounts
{
    /// <summary>Moves the accounts on by the changes that are about to be saved.</summary>
    void Settle();

    /// <summary>Gives audit events the versions of the accounts that they changed, and adds an event for each changed account that no event covers.</summary>
    IReadOnlyList<AuditEvent> WithVersions(IReadOnlyList<AuditEvent> facts, DateTimeOffset now);

    /// <summary>Notes the changed accounts as current.</summary>
    void Committed();
}
