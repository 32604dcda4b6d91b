using Secrets.Domain.Audit;
using Secrets.Domain.Secrets;
using Secrets.Infrastructure.Persistence;
using Secrets.Infrastructure.Transactions;

namespace Secrets.Infrastructure.Integrity.Recovery;

/// <summary>Has owners not count, whether or not their rows verify, until an operator accepts them.</summary>
internal sealed class Quarantine(SecretsDbContext db, OwnerReader reader, RecoveryEvidence sources, TimeProvider time)
{
    /// <summary>Puts an owner into quarantine, or seals the quarantine anew with the newest integrity key.</summary>
    public Task<bool> PutAsync(SecretOwner owner, AuditAction action, CancellationToken cancellationToken) => db.InTransactionAsync(
        async token =>
        {
            await db.LockRowAsync(owner, token);
            var verified = (await reader.ReadAsync(db, [owner]))[0];
            if (verified is not null)
            {
                db.LockedAccounts.Add(owner, verified);
            }
            else
            {
                var (found, version) = await sources.ReadAsync(db, owner);
                db.LockedAccounts.Adopt(owner, found, Math.Max(version, (await sources.AuditedAsync(db, owner, token)).Version));
            }

            db.LockedAccounts.Quarantine(owner, isVouchedFor: verified is not null);
            db.Record(AuditEvent.ByService(action, time.GetUtcNow()) with { Owner = owner });
            return true;
        },
        cancellationToken);
}
