using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Secrets.Application.Common;
using Secrets.Domain.ApiKeys;
using Secrets.Domain.Audit;
using Secrets.Domain.Secrets;
using Secrets.Infrastructure.Persistence;
using Secrets.Infrastructure.Transactions;

namespace Secrets.Infrastructure.Credentials.ApiKeys;

/// <summary>The first key of an installation, with which all others are made.</summary>
public interface IFirstKey
{
    /// <summary>Where neither the configuration nor the database has a key of an operator, makes one and gives its text, which is kept nowhere.</summary>
    Task<string?> MakeIfMissingAsync(CancellationToken cancellationToken);
}

/// <inheritdoc />
internal sealed class BootstrapKey(SecretsDbContext db, IOptions<AuthOptions> options, TimeProvider time) : IFirstKey
{
    private static readonly Guid UserId = Credential.BootstrapUser;
    private static readonly Membership Organization = new("default", OrganizationRole.Admin, []);

    /// <summary>Whom the bootstrap key stands for.</summary>
    public static readonly Caller Caller = new(UserId, Scopes.All, [Organization], Credential.Bootstrap);

    /// <summary>Whether neither the configuration nor the database has a key of an operator.</summary>
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
        // Of several replicas that start at once one makes the key: the others wait here for that row, which is always there, and then find the key. Not by a
        // fixed id: the key that was made before and revoked has it, and stays, so that its use is recognised (docs/decisions/0011-keys-are-replaced-not-renewed.md).
        await db.RootKeys.ExecuteUpdateAsync(set => set.SetProperty(row => row.ProbedAt, row => row.ProbedAt), cancellationToken);
        if (await HasOperatorKeyAsync(cancellationToken))
        {
            return null;
        }

        await db.LockKeysAsync(UserId, cancellationToken);
        var now = time.GetUtcNow();
        var text = ApiKeyText.Generate();
        var key = new ApiKey(Guid.CreateVersion7(now), "bootstrap", text, Scopes.All, UserId, Organization, UserId, now);
        db.ApiKeys.Add(key);
        db.Record(new AuditEvent
        {
            At = now,
            Actor = UserId,
            Action = AuditAction.KeyCreate,
            Outcome = AuditOutcome.Success,
            Owner = new SecretOwner(OwnerKind.Organization, Organization.OrganizationId),
            TargetKeyId = key.Id,
            TargetKeyUserId = key.UserId,
        });
        return text;
    }
}
