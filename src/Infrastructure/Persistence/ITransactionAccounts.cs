namespace Secrets.Infrastructure.Persistence;

/// <summary>The accounts that a transaction has locked. The context calls this before it saves and after the commit.</summary>
internal interface ITransactionAccounts
{
    /// <summary>Adds the unsaved changes to the accounts.</summary>
    void Settle();

    /// <summary>Sets the account versions in audit events, and adds an event for each changed account without one.</summary>
    IReadOnlyList<AuditEvent> WithVersions(IReadOnlyList<AuditEvent> facts, DateTimeOffset now);

    /// <summary>Notes the committed versions of the changed accounts.</summary>
    void Committed();
}
