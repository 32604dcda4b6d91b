using Secrets.Application.Common;

namespace Secrets.Application.Secrets;

/// <summary>Stores new secrets, those of many requests in one transaction.</summary>
public interface INewSecrets
{
    /// <summary>Stores a secret, charges its owner's quota and writes the audit event, all or nothing.</summary>
    /// <param name="secret">The secret, sealed by <see cref="ISealer.SealAheadAsync"/>.</param>
    /// <param name="auditEvent">The audit event.</param>
    /// <param name="cancellationToken">Stops waiting for the transaction to begin.</param>
    /// <returns>
    /// Null, and nothing is stored: a unique rule, the quota, a replaced data key or a workspace grant prevents it. A transaction of its own
    /// (<see cref="ISecretsDb.InTransactionAsync"/>) finds out which.
    /// </returns>
    Task<NewSecret?> TryStoreAsync(Secret secret, AuditEvent auditEvent, CancellationToken cancellationToken);
}

/// <summary>A stored secret, and its owner's other defaults that it may overlap with.</summary>
public sealed record NewSecret(IReadOnlyList<OverlapCandidate> OverlapCandidates);

/// <summary>A default that may overlap with another.</summary>
/// <param name="Id">The secret.</param>
/// <param name="Name">Its name.</param>
/// <param name="ToolName">Its tool or pattern.</param>
public sealed record OverlapCandidate(Guid Id, string Name, string ToolName)
{
    /// <summary>The largest number of candidates that a stored default is compared with.</summary>
    public const int MaxCount = 500;
}
