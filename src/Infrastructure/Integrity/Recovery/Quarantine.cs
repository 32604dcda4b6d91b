using Secrets.Infrastructure.Persistence;
using Secrets.Infrastructure.Transactions;

namespace Secrets.Infrastructure.Integrity.Recovery;

/// <summary>Puts owners into quarantine, whether or not their rows verify. Their reads and writes fail until an operator accepts them.</summary>
internal sealed class Quarantine(SecretsDbContext db, OwnerReader reader, RecoveryEvidence evidence, TimeProvider time)
{
    /// <summary>Puts an owner into quarantine.</summary>
    public Task<bool> PutAsync(SecretOwner owner, CancellationToken cancellationToken) => db.InTransactionAsync(
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
            db.Record(AuditEvent.ByService(AuditAction.IntegrityQuarantine, time.GetUtcNow()) with { Owner = owner });
            return true;
        },
        cancellationToken);

    /// <summary>Locks an owner in the caller's transaction. If the owner is in quarantine, seals the account again with the newest integrity key.</summary>
    /// <returns>Whether the locked owner is in quarantine.</returns>
    public async Task<bool> KeepAsync(SecretOwner owner, CancellationToken cancellationToken)
    {
        var isLocked = await db.LockRowAsync(owner, cancellationToken) != 0;
        var (found, _) = await evidence.ReadAsync(db, owner);
        if (!isLocked || evidence.FindQuarantined(owner, found) is not { } account)
        {
            return false;
        }

        // The transaction writes the audit row account.change.
        db.LockedAccounts.Adopt(owner, found, account.Version);
        db.LockedAccounts.Quarantine(owner, isVerified: false);
        return true;
    }
}
