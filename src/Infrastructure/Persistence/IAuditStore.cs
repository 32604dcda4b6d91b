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
    /// <param name="rows">What to store.</param>
    /// <param name="commits">Whether the context's transaction ends with this.</param>
    Task<bool> AppendAsync(SecretsDbContext db, AuditAppend rows, bool commits);
}

/// <summary>What continues a chain.</summary>
/// <param name="Entries">At least one; they follow each other.</param>
/// <param name="HeadMac">Authenticates the last as the head.</param>
internal sealed record AuditAppend(IReadOnlyList<AuditEntry> Entries, byte[] HeadMac)
{
    /// <summary>Whose chain.</summary>
    public Guid Writer => Entries[0].Writer;

    /// <summary>Where the chain must end.</summary>
    public long Before => Entries[0].Sequence - 1;

    /// <summary>Where it ends then.</summary>
    public AuditEntry Last => Entries[^1];
}

/// <summary>What became of rows that were to be stored together with what they tell of.</summary>
internal enum AuditWrite
{
    /// <summary>All is stored and committed.</summary>
    Done,

    /// <summary>Certainly nothing is stored, for something beside the chain did not hold; or nobody asked whether it was that or the chain.</summary>
    Refused,

    /// <summary>Nothing is stored: the chain does not end right before the first row.</summary>
    Displaced,
}
