using Secrets.Application.Audit;
using Secrets.Infrastructure.Credentials.ApiKeys;
using Secrets.Infrastructure.Persistence;

namespace Secrets.Infrastructure.GroupCommit;

/// <summary>Stores audit rows on condition that nothing cached is stale.</summary>
internal sealed class ConditionalAudit(IAuditStore store, ApiKeyAuthenticator keys, TimeProvider time)
{
    /// <summary>The preconditions of a batch, as of now.</summary>
    public PreconditionSet Combine(IEnumerable<OwnerStamp> owners, IEnumerable<KeyPrecondition> keys) => new([.. owners], [.. keys], time.GetUtcNow());

    /// <summary>
    /// Stores rows and moves the head of their chain. With preconditions, the cause of a failure is not examined: <see cref="AuditWrite.Refused"/>.
    /// </summary>
    /// <param name="db">The context whose connection is used.</param>
    /// <param name="rows">The rows.</param>
    /// <param name="preconditions">The preconditions.</param>
    /// <param name="commits">Whether this ends the context's transaction.</param>
    public async Task<AuditWrite> AppendAsync(SecretsDbContext db, AuditAppend rows, PreconditionSet preconditions, bool commits) =>
        await store.AppendAsync(db, rows, preconditions, commits) ? AuditWrite.Done
            : preconditions.IsEmpty ? AuditWrite.Displaced
            : AuditWrite.Refused;

    /// <summary>The stale ones among preconditions; null: all hold.</summary>
    public async Task<PreconditionSet?> FindStaleAsync(SecretsDbContext db, PreconditionSet preconditions) =>
        !preconditions.IsEmpty && await store.FindStaleAsync(db, preconditions) is { IsEmpty: false } stale ? stale : null;

    /// <inheritdoc cref="ApiKeyAuthenticator.RefreshAsync" />
    public Task<CachedKey?> RefreshAsync(CachedKey key, CancellationToken cancellationToken) => keys.RefreshAsync(key, cancellationToken);
}
