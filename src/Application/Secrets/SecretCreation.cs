using Secrets.Application.Audit;
using Secrets.Application.Common;

namespace Secrets.Application.Secrets;

/// <summary>
/// Seals and stores a new secret: together with those of other requests, or in a transaction of its own if the group cannot store it. The transaction knows why,
/// and throws that (docs/decisions/0009-new-secrets-in-groups.md).
/// </summary>
internal sealed class SecretCreation(INewSecrets group, OwnerTransaction transaction, ISealer sealer, AuditTrail trail)
{
    /// <summary>Stores a secret.</summary>
    /// <returns>The owner's other defaults that the secret may overlap with.</returns>
    /// <exception cref="ConflictException">A unique rule prevents it, or the owner's data key does not unwrap.</exception>
    /// <exception cref="QuotaExceededException">The owner's bytes or secrets would exceed the quota.</exception>
    /// <exception cref="TamperedOwnerException">The owner's rows do not verify.</exception>
    public async Task<IReadOnlyList<OverlapCandidate>> StoreAsync(Secret secret, SecretValue value, CancellationToken cancellationToken)
    {
        secret.Seal(value, await sealer.SealAheadAsync(secret.Placement, value, cancellationToken));
        return await group.TryStoreAsync(secret, trail.Success(AuditAction.SecretCreate, secret), cancellationToken) is { } stored
            ? stored.OverlapCandidates
            : await transaction.AddAsync(
                secret, async token => secret.Seal(value, await sealer.SealAsync(secret.Placement, value, token)), cancellationToken);
    }
}
