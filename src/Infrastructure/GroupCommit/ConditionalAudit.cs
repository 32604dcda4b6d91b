using Secrets.Application.Audit;
using Secrets.Application.Common;
using Secrets.Infrastructure.Credentials.ApiKeys;
using Secrets.Infrastructure.Persistence;

namespace Secrets.Infrastructure.GroupCommit;

/// <summary>Stores rows of the audit on conditions, where the database can.</summary>
internal sealed class ConditionalAudit(IAuditStore store, ApiKeyAuthenticator keys, TimeProvider time, IPreconditions? confirmations = null)
{
    /// <summary>What is claimed of these, now.</summary>
    public PreconditionSet Claim(IEnumerable<OwnerStamp> owners, IEnumerable<KeyPrecondition> keys) => new([.. owners], [.. keys], time.GetUtcNow());

    /// <summary>Stores rows and moves the head of their chain; <see cref="AuditWrite.Refused"/>: not all preconditions hold, or the chain ends elsewhere.</summary>
    /// <param name="db">Whose connection to use.</param>
    /// <param name="rows">The rows.</param>
    /// <param name="preconditions">What has to hold.</param>
    /// <param name="commits">Whether the context's transaction ends with this.</param>
    public async Task<AuditWrite> AppendAsync(SecretsDbContext db, AuditAppend rows, PreconditionSet preconditions, bool commits)
    {
        if (!preconditions.IsEmpty)
        {
            return await Confirmations.AppendAsync(db, rows, preconditions, commits) ? AuditWrite.Done : AuditWrite.Refused;
        }

        return await store.AppendAsync(db, rows, commits) ? AuditWrite.Done : AuditWrite.Displaced;
    }

    /// <summary>Those of the preconditions that do not hold; null: all do.</summary>
    public async Task<PreconditionSet?> FindStaleAsync(SecretsDbContext db, PreconditionSet preconditions) =>
        !preconditions.IsEmpty && await Confirmations.FindStaleAsync(db, preconditions) is { IsEmpty: false } stale ? stale : null;

    /// <inheritdoc cref="ApiKeyAuthenticator.RefreshAsync" />
    public Task<CachedKey?> RefreshAsync(CachedKey key, CancellationToken cancellationToken) => keys.RefreshAsync(key, cancellationToken);

    // Nothing is remembered without, so nothing is claimed.
    private IPreconditions Confirmations => confirmations ?? throw new InvalidOperationException("This database confirms nothing.");
}
