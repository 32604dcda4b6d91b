using Secrets.Application.Audit;

namespace Secrets.Infrastructure.Persistence;

/// <summary>
/// What it takes to answer from memory and be certain all the same, in the words of one database. Where a database has none, nothing is remembered.
/// </summary>
internal interface IPreconditions
{
    /// <summary>As <see cref="IAuditStore.AppendAsync"/>; false, and nothing is stored, also where not all preconditions hold.</summary>
    Task<bool> AppendAsync(SecretsDbContext db, AuditAppend rows, PreconditionSet preconditions, bool commits);

    /// <summary>Those of the preconditions that do not hold. What does not hold now never will again.</summary>
    Task<PreconditionSet> FindStaleAsync(SecretsDbContext db, PreconditionSet preconditions);
}

/// <summary>What answers rest on: that the stamps of owners have not moved, and that keys are still accepted.</summary>
/// <param name="Owners">Each once, though one may be there with several stamps.</param>
/// <param name="Keys">Each once.</param>
/// <param name="Now">The moment for which keys have to be accepted.</param>
internal sealed record PreconditionSet(IReadOnlyList<OwnerStamp> Owners, IReadOnlyList<KeyPrecondition> Keys, DateTimeOffset Now)
{
    /// <summary>Whether nothing is claimed.</summary>
    public bool IsEmpty => Owners.Count == 0 && Keys.Count == 0;
}

/// <summary>That a key is still accepted, and the keys of its user are still those of that version and stamp.</summary>
internal readonly record struct KeyPrecondition(Guid Id, Guid UserId, long Version, long Stamp);
