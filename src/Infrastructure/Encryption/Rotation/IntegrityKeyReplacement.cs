using Secrets.Application.Audit;
using Secrets.Application.Common;
using Secrets.Application.Encryption;
using Secrets.Domain.Audit;
using Secrets.Infrastructure.Encryption.Ring;
using Secrets.Infrastructure.Integrity.Recovery;
using Secrets.Infrastructure.Persistence;
using Secrets.Infrastructure.Transactions;

namespace Secrets.Infrastructure.Encryption.Rotation;

/// <summary>
/// Replaces the integrity key: verifies every account that an old one made, makes it anew, and removes the old key later. Several replicas may do it at once.
/// </summary>
internal sealed class IntegrityKeyReplacement(SecretsDbContext db, KeyRing ring, AccountsToReseal outdated, Quarantine quarantine, TimeProvider time)
{
    /// <summary>How long after the request the first account is made anew: every replica reads the keys each minute, and knows the new one by then.</summary>
    public static readonly TimeSpan Delay = TimeSpan.FromMinutes(2);

    /// <summary>Goes once through all accounts; false: the old key is still there.</summary>
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

    /// <summary>Whether every account was made with the newest key already.</summary>
    private async Task<bool> MoveAccountsAsync(CancellationToken cancellationToken)
    {
        var owners = await outdated.FindOwnersAsync(cancellationToken);
        foreach (var (owner, isInQuarantine) in owners)
        {
            await IfVerifiedAsync(
                () => isInQuarantine
                    ? quarantine.PutAsync(owner, AuditAction.AccountChange, cancellationToken)
                    : InTransactionAsync(token => db.MoveToNewestKeyAsync(owner, token), cancellationToken));
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

    /// <summary>An account that does not verify keeps its key, and with it the old key stays. Other accounts are none the worse for it.</summary>
    private static async Task IfVerifiedAsync(Func<Task> move)
    {
        try
        {
            await move();
        }
        catch (Exception exception) when (exception is ConflictException or TamperedOwnerException || AuditRows.AreUnreadable(exception))
        {
            // Whoever reads it says so in the log.
        }
    }
}
