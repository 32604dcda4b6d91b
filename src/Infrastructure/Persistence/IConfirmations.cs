using Secrets.Application.Common;
using Secrets.Domain.Resolution;
using Secrets.Domain.Secrets;

namespace Secrets.Infrastructure.Persistence;

/// <summary>
/// What it takes to answer from memory and be certain all the same, in the words of one database. Where a database has none, nothing is remembered.
/// </summary>
internal interface IConfirmations
{
    /// <summary>Reads the secrets of owners, each as they are at one moment. One answer for each.</summary>
    /// <param name="db">Whose connection to use; nothing of it is tracked.</param>
    /// <param name="owners">At least one, each once.</param>
    Task<IReadOnlyList<OwnerSecrets>> ReadAsync(SecretsDbContext db, IReadOnlyList<SecretOwner> owners);

    /// <summary>As <see cref="IAuditStore.AppendAsync"/>; false, and nothing is stored, also where not all claims hold.</summary>
    Task<bool> AppendAsync(SecretsDbContext db, AuditAppend rows, Claims claims, bool commits);

    /// <summary>Those of the claims that do not hold. What does not hold now never will again.</summary>
    Task<Claims> FindBrokenAsync(SecretsDbContext db, Claims claims);
}

/// <summary>The secrets of an owner.</summary>
/// <param name="Stamp">The owner's stamp at that moment; 0 where there is no such owner.</param>
/// <param name="Secrets">All of them; null: more than <see cref="MaxCount"/>, <see cref="MaxBytes"/> or <see cref="MaxSize"/>.</param>
internal sealed record OwnerSecrets(long Stamp, IReadOnlyList<Candidate>? Secrets)
{
    /// <summary>The most secrets that are read.</summary>
    public const int MaxCount = 500;

    /// <summary>The most bytes that are charged for them (<see cref="Owner.BytesUsed"/>).</summary>
    public const int MaxBytes = 32 * 1024;

    /// <summary>The most bytes that they come to with everything that resolving needs of them: names, bindings, workspaces, envelopes.</summary>
    public const int MaxSize = 256 * 1024;
}

/// <summary>What answers rest on: that the stamps of owners have not moved, and that keys are still accepted.</summary>
/// <param name="Owners">Each once, though one may be there with several stamps.</param>
/// <param name="Keys">Ids of keys, each once.</param>
/// <param name="Now">The moment for which keys have to be accepted.</param>
internal sealed record Claims(IReadOnlyList<OwnerStamp> Owners, IReadOnlyList<Guid> Keys, DateTimeOffset Now)
{
    /// <summary>Whether nothing is claimed.</summary>
    public bool IsEmpty => Owners.Count == 0 && Keys.Count == 0;
}
