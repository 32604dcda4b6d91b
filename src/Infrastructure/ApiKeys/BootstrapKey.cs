using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Secrets.Application.Common;
using Secrets.Domain.ApiKeys;
using Secrets.Domain.Audit;
using Secrets.Domain.Secrets;
using Secrets.Infrastructure.Persistence;

namespace Secrets.Infrastructure.ApiKeys;

/// <summary>The first key of an installation, with which all others are made.</summary>
internal sealed class BootstrapKey(SecretsDbContext db, IOptions<AuthOptions> options, TimeProvider time)
{
    private static readonly Guid UserId = Guid.Parse("00000000-0000-0000-0000-000000000001");
    private static readonly Membership Organization = new("default", OrganizationRole.Admin, []);

    /// <summary>Whom the bootstrap key stands for.</summary>
    public static readonly Caller Caller = new(UserId, Scopes.All, [Organization]);

    /// <summary>Where neither the configuration nor the database has a key, makes one and gives its text, which is kept nowhere.</summary>
    public async Task<string?> MakeIfNoneAsync(CancellationToken cancellationToken) =>
        options.Value.BootstrapKey is not null || await IsThereOneAsync(cancellationToken)
            ? null
            : await db.InTransactionAsync(MakeAsync, cancellationToken);

    private Task<bool> IsThereOneAsync(CancellationToken cancellationToken) => db.ApiKeys.AnyAsync(key => key.RevokedAt == null, cancellationToken);

    private async Task<string?> MakeAsync(CancellationToken cancellationToken)
    {
        // Of several replicas that start at once one makes the key: the others wait here for that row, which is always there, and then find the key. Not by a
        // fixed id: the key that was made before and revoked has it, and stays, so that its use is recognised (docs/decisions/0011-keys-are-replaced-not-renewed.md).
        await db.RootKeys.ExecuteUpdateAsync(set => set.SetProperty(row => row.ProbedAt, row => row.ProbedAt), cancellationToken);
        if (await IsThereOneAsync(cancellationToken))
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
            KeyId = key.Id,
            KeyUserId = key.UserId,
        });
        return text;
    }
}
