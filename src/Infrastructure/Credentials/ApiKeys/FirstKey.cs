using Secrets.Domain.ApiKeys;
using Secrets.Infrastructure.Persistence;
using Secrets.Infrastructure.Transactions;

namespace Secrets.Infrastructure.Credentials.ApiKeys;

/// <summary>Creates the first API key of an installation. With it an operator creates all others.</summary>
public interface IFirstKey
{
    /// <summary>Creates an operator's API key if neither Auth:BootstrapKey nor the database has one.</summary>
    /// <returns>The key's text, which is not stored; null: there is one already.</returns>
    Task<string?> MakeIfMissingAsync(CancellationToken cancellationToken);
}

/// <summary>The caller that Auth:BootstrapKey authenticates. The first key acts for the same user in the same organisation.</summary>
internal static class BootstrapCaller
{
    public static readonly Membership Organization = new("default", OrganizationRole.Admin, []);
    public static readonly Caller Caller = new(Credential.BootstrapUser, Scopes.All, [Organization], Credential.Bootstrap);
}

/// <inheritdoc />
internal sealed class FirstKey(SecretsDbContext db, IOptions<AuthOptions> options, TimeProvider time) : IFirstKey
{
    /// <summary>Whether neither the configuration nor the database has an operator key.</summary>
    public async Task<bool> IsMissingAsync(CancellationToken cancellationToken) => options.Value.BootstrapKey is null && !await HasOperatorKeyAsync(cancellationToken);

    /// <inheritdoc />
    public async Task<string?> MakeIfMissingAsync(CancellationToken cancellationToken) =>
        await IsMissingAsync(cancellationToken) ? await db.InTransactionAsync(MakeAsync, cancellationToken) : null;

    private Task<bool> HasOperatorKeyAsync(CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        return db.ApiKeys.AnyAsync(
            key => key.RevokedAt == null && (key.ExpiresAt == null || key.ExpiresAt > now) && (key.Scopes & Scopes.Operator) == Scopes.Operator, cancellationToken);
    }

    private async Task<string?> MakeAsync(CancellationToken cancellationToken)
    {
        // Lock the canary row, which always exists: if several replicas start at once, one creates the key and the others find it. A fixed id for the key would
        // not do: after a revocation its row stays, and the id could not be used again (docs/decisions/0011-keys-are-replaced-not-renewed.md).
        var now = time.GetUtcNow();
        await db.RootKeys.ExecuteUpdateAsync(set => set.SetProperty(row => row.ProbedAt, now), cancellationToken);
        if (await HasOperatorKeyAsync(cancellationToken))
        {
            return null;
        }

        await db.LockKeysAsync(Credential.BootstrapUser, cancellationToken);
        var text = ApiKeyText.Generate();
        var key = new ApiKey(
            Guid.CreateVersion7(now), "bootstrap", text, Scopes.All, Credential.BootstrapUser, BootstrapCaller.Organization, Credential.BootstrapUser, now);
        db.ApiKeys.Add(key);
        db.Record(new AuditEvent
        {
            At = now,
            Actor = Credential.BootstrapUser,
            Action = AuditAction.KeyCreate,
            Outcome = AuditOutcome.Success,
            Owner = new SecretOwner(OwnerKind.Organization, BootstrapCaller.Organization.OrganizationId),
            TargetKeyId = key.Id,
            TargetKeyUserId = key.UserId,
        });
        return text;
    }
}
