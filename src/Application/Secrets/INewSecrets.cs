using Secrets.Application.Common;
using Secrets.Domain.Audit;
using Secrets.Domain.Secrets;

namespace Secrets.Application.Secrets;

/// <summary>
/// Stores new secrets, those of many requests in one transaction. It either stores or does not: why not is for the ordinary way
/// (<see cref="ISecretsDb.InTransactionAsync"/>) to find out.
/// </summary>
public interface INewSecrets
{
    /// <summary>
    /// Stores a secret and charges its owner; null, and nothing of that, when a unique rule or the quota is in the way, its data key is no
    /// longer the one to seal with, or it is more than one row.
    /// </summary>
    /// <param name="secret">The secret, sealed ahead (<see cref="ISealer.SealAheadAsync"/>).</param>
    /// <param name="fact">What the audit says of it, in the same transaction.</param>
    /// <param name="cancellationToken">Counts until its transaction begins.</param>
    Task<NewSecret?> TryStoreAsync(Secret secret, AuditEvent fact, CancellationToken cancellationToken);
}

/// <summary>A secret that was stored, and the other defaults of its owner that it may overlap with.</summary>
public sealed record NewSecret(IReadOnlyList<OverlapCandidate> OverlapCandidates);

/// <summary>A default that may overlap with another.</summary>
/// <param name="Id">The secret.</param>
/// <param name="Name">Its name.</param>
/// <param name="ToolName">Its tool or pattern.</param>
public sealed record OverlapCandidate(Guid Id, string Name, string ToolName)
{
    /// <summary>How many a stored default is compared with, at most.</summary>
    public const int MaxCount = 500;
}
