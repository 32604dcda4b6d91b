using System.Buffers.Binary;
using Microsoft.EntityFrameworkCore;
using Secrets.Application.Common;
using Secrets.Application.Encryption;
using Secrets.Domain.Audit;
using Secrets.Domain.Secrets;
using Secrets.Infrastructure.Encryption;
using Secrets.Infrastructure.Persistence;

namespace Secrets.Infrastructure.Integrity;

/// <summary>
/// Replaces the integrity key: verifies every account that an old one made, makes it anew, and removes the old key later. Several replicas may do it at once.
/// </summary>
internal sealed class IntegrityKeyReplacement(SecretsDbContext db, KeyRing ring, IntegrityKeys keys, TimeProvider time)
{
    // Of one pass; what is left is for the next. About 100 bytes each.
    private const int MostAtOnce = 100_000;

    /// <summary>Goes once through all accounts; false: the old key is still there.</summary>
    public async Task<bool> RunAsync(DateTimeOffset requestedAt, CancellationToken cancellationToken)
    {
        ring.Refresh();
        if (await MoveAccountsAsync(cancellationToken) && time.GetUtcNow() >= requestedAt + KeyRingReplacement.Stay)
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
        var newest = new byte[sizeof(ushort)];
        BinaryPrimitives.WriteUInt16BigEndian(newest, (ushort)keys.Newest);
        var owners = await db.Owners.FromSql($"SELECT * FROM owners WHERE substring(account, 2, 2) <> {newest}")
            .Select(owner => new { owner.Kind, owner.Id }).Take(MostAtOnce).ToListAsync(cancellationToken);
        foreach (var owner in owners)
        {
            await IfVerifiedAsync(token => db.MoveToNewestKeyAsync(new SecretOwner(owner.Kind, owner.Id), token), cancellationToken);
        }

        var users = await db.KeyAccounts.FromSql($"SELECT * FROM key_accounts WHERE substring(account, 2, 2) <> {newest}")
            .Select(row => row.UserId).Take(MostAtOnce).ToListAsync(cancellationToken);
        foreach (var user in users)
        {
            await IfVerifiedAsync(token => db.MoveToNewestKeyAsync(user, token), cancellationToken);
        }

        return owners.Count == 0 && users.Count == 0;
    }

    /// <summary>An account that does not verify keeps its key, and with it the old key stays. Other accounts are none the worse for it.</summary>
    private async Task IfVerifiedAsync(Func<CancellationToken, Task> move, CancellationToken cancellationToken)
    {
        try
        {
            await db.InTransactionAsync(
                async token =>
                {
                    await move(token);
                    return true;
                },
                cancellationToken);
        }
        catch (Exception exception) when (exception is ConflictException or TamperedOwnerException)
        {
            // Whoever reads it says so in the log.
        }
    }
}
