using Secrets.Application.Audit;
using Secrets.Application.Encryption;
using Secrets.Infrastructure.Encryption.Ring;
using Secrets.Infrastructure.Integrity.Recovery;
using Secrets.Infrastructure.Persistence;
using Secrets.Infrastructure.Transactions;

namespace Secrets.Infrastructure.Encryption.Rotation;

/// <summary>
/// Replaces the integrity key: verifies every account under the old key, seals it with the new one, and removes the old key later. Safe on several replicas.
/// </summary>
internal sealed class IntegrityKeyReplacement(SecretsDbContext db, KeyRing ring, AccountsToReseal outdated, Quarantine quarantine, TimeProvider time)
{
    /// <summary>The shortest time from the request to the first sealed account. Replicas read the keys every minute, so all know the new key by then.</summary>
    public static readonly TimeSpan Delay = TimeSpan.FromMinutes(2);

    /// <summary>Makes one pass over all accounts. Returns false while the old key is left.</summary>
    public async Task<bool> RunAsync(DateTimeOffset requestedAt, CancellationToken cancellationToken)
    {
        ring.Refresh();
        if (time.GetUtcNow() >= requestedAt + Delay && await MoveAccountsAsync(cancellationToken) && time.GetUtcNow() >= requestedAt + KeyRingReplacement.GracePeriod)
        {
            await ring.ChangeAsync(
                db,
                records => records.Find(KeyLayer.Integrity)?.RequestedAt == requestedAt ? records.WithNewestIntegrityKey() : null,
                AuditEvent.ByService(AuditAction.KeysChange, time.GetUtcNow()),
                cancellationToken);
        }

        return ring.Read().IntegrityRows.Count == 1;
    }

    /// <summary>Seals outdated accounts with the newest key. Returns whether there were none.</summary>
    private async Task<bool> MoveAccountsAsync(CancellationToken cancellationToken)
    {
        var owners = await outdated.FindOwnersAsync(cancellationToken);
        foreach (var (owner, isInQuarantine) in owners)
        {
            await IfVerifiedAsync(() => InTransactionAsync(
                async token =>
                {
                    // An attacker may have shown an earlier quarantine to the read above.
                    if (!isInQuarantine || !await quarantine.KeepAsync(owner, token))
                    {
                        await db.MoveToNewestKeyAsync(owner, token);
                    }
                },
                cancellationToken));
        }

        var users = await outdated.FindUsersAsync(cancellationToken);
        foreach (var user in users)
        {
            await IfVerifiedAsync(() => InTransactionAsync(token => db.MoveToNewestKeyAsync(user, token), cancellationToken));
        }

        return owners.Count == 0 && users.Count == 0;
    }

    private Task<bool> InTransactionAsync(Func<CancellationToken, Task> move, CancellationToken cancellationToken) => db.InTransactionAsync(
        async token =>
        {
            await move(token);
            return true;
        },
        cancellationToken);

    /// <summary>Skips an account that does not verify. The account keeps the old key, so that key stays.</summary>
    private static async Task IfVerifiedAsync(Func<Task> move)
    {
        try
        {
            await move();
        }
        catch (Exception exception) when (exception is ConflictException or TamperedOwnerException || AuditRows.AreUnreadable(exception))
        {
            // The reader of the account has logged the fault.
        }
    }
}
