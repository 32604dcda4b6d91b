using Secrets.Application.Audit;

namespace Secrets.Infrastructure.Persistence;

/// <summary>Stores audit rows, in the SQL of one database.</summary>
internal interface IAuditStore
{
    /// <summary>
    /// Stores the rows of one chain and moves the chain's head to the last of them: all or nothing, in one round trip, and part of the context's transaction if
    /// there is one.
    /// </summary>
    /// <param name="db">The context whose connection is used. Nothing is tracked.</param>
    /// <param name="rows">The rows.</param>
    /// <param name="preconditions">Checked by the statement that stores the rows.</param>
    /// <param name="commits">Whether to commit the context's transaction, in the same round trip where the database can.</param>
    /// <returns>False, and nothing is stored or committed: the chain does not end right before the first row, or a precondition is stale.</returns>
    Task<bool> AppendAsync(SecretsDbContext db, AuditAppend rows, PreconditionSet preconditions, bool commits);

    /// <summary>The stale ones among preconditions. A stale precondition never becomes valid again.</summary>
    Task<PreconditionSet> FindStaleAsync(SecretsDbContext db, PreconditionSet preconditions);
}

/// <summary>Entries that continue a chain.</summary>
/// <param name="Entries">At least one, in sequence without a gap.</param>
/// <param name="HeadMac">Authenticates the last entry as the head.</param>
internal sealed record AuditAppend(IReadOnlyList<AuditEntry> Entries, byte[] HeadMac)
{
    /// <summary>The writer of the chain.</summary>
    public Guid Writer => Entries[0].Writer;

    /// <summary>The sequence number at which the chain must end before.</summary>
    public long Before => Entries[0].Sequence - 1;

    /// <summary>The last entry, which becomes the head.</summary>
    public AuditEntry Last => Entries[^1];
}

/// <summary>The result of storing audit rows together with the changes that they record.</summary>
internal enum AuditWrite
{
    /// <summary>Everything is stored, and committed if the caller asked for that.</summary>
    Done,

    /// <summary>Nothing is stored, because a condition other than the chain failed, or because the cause was not examined.</summary>
    Refused,

    /// <summary>Nothing is stored, because the chain does not end right before the first row.</summary>
    Displaced,
}

/// <summary>Preconditions of the answers in one batch, each once: owners that have not changed, and API keys that are still accepted.</summary>
/// <param name="Owners">Owners by stamp and version. One owner can occur with several stamps.</param>
/// <param name="Keys">API keys.</param>
/// <param name="Now">The moment at which the keys must be accepted.</param>
internal sealed record PreconditionSet(IReadOnlyList<OwnerStamp> Owners, IReadOnlyList<KeyPrecondition> Keys, DateTimeOffset Now)
{
    /// <summary>No precondition: nothing came from a cache.</summary>
    public static readonly PreconditionSet None = new([], [], default);

    public bool IsEmpty => Owners.Count == 0 && Keys.Count == 0;
}

/// <summary>The key is still accepted, and its user's keys still have this version and stamp.</summary>
internal readonly record struct KeyPrecondition(Guid Id, Guid UserId, long Version, long Stamp);
