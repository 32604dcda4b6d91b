using Secrets.Infrastructure.Persistence;
using Secrets.Infrastructure.Transactions;

namespace Secrets.Infrastructure.Integrity.Recovery;

/// <summary>Puts owners into quarantine, whether or not their rows verify. Their reads and writes fail until an operator accepts them.</summary>
internal sealed class Quarantine(SecretsDbContext db, OwnerReader reader, RecoveryEvidence evidence, TimeProvider time)
{
    /// <summary>Seals an owner's account as quarantined, with the newest integrity key.</summary>
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
                var (found, version) = await evidence.ReadAsync(db, owner);
                db.LockedAccounts.Adopt(owner, found, Math.Max(version, (await evidence.ReadHistoryAsync(db, owner, token)).Version));
            }

            db.LockedAccounts.Quarantine(owner, isVerified: verified is not null);
            db.Record(AuditEvent.ByService(action, time.GetUtcNow()) with { Owner = owner });
            return true;
        },
        cancellationToken);
}
