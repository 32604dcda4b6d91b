using Secrets.Domain.ApiKeys;
using Secrets.Infrastructure.Persistence;

namespace Secrets.Infrastructure.Transactions;

/// <summary>The database port of the use cases: the request's context with locked accounts.</summary>
internal sealed class SecretsDb(SecretsDbContext context) : ISecretsDb
{
    public DbSet<Secret> Secrets => context.Secrets;

    public DbSet<Owner> Owners => context.Owners;

    public DbSet<ApiKey> ApiKeys => context.ApiKeys;

    public DbSet<AuditEntry> Audit => context.Audit;

    public async Task<OwnerUse> LockAsync(SecretOwner owner, CancellationToken cancellationToken)
    {
        var verified = await context.LockAndVerifyAsync(owner, cancellationToken);
        return new OwnerUse(verified.Account.Bytes, verified.Account.Count);
    }

    public Task LockKeysAsync(Guid userId, CancellationToken cancellationToken) => context.LockKeysAsync(userId, cancellationToken);

    public async Task<IReadOnlyList<ApiKey>> ReadLockedKeysAsync(Guid userId, CancellationToken cancellationToken) =>
        await context.ReadLockedKeysAsync(userId, cancellationToken);

    public Task RequireNoMissedKeyAsync(IEnumerable<Guid> userIds, Predicate<ApiKey> isMissed, CancellationToken cancellationToken) =>
        context.RequireNoMissedKeyAsync(userIds, isMissed, cancellationToken);

    public Task RequireNoSecretAsync(SecretOwner owner, Guid? id, string? name, CancellationToken cancellationToken) =>
        context.RequireNoSecretAsync(owner, id, name, cancellationToken);

    public Task RequireVerifiedAsync(Secret secret) => context.RequireVerifiedAsync(secret);

    public Task<T> InTransactionAsync<T>(Func<CancellationToken, Task<T>> work, CancellationToken cancellationToken) =>
        context.InTransactionAsync(work, cancellationToken);

    public Task<T> InOwnerTransactionAsync<T>(SecretOwner owner, Func<CancellationToken, Task<T>> work, CancellationToken cancellationToken) =>
        context.InOwnerTransactionAsync(owner, work, cancellationToken);

    public void Record(AuditEvent auditEvent) => context.Record(auditEvent);
}
