using Microsoft.EntityFrameworkCore;
using Secrets.Domain.Secrets;
using Secrets.Infrastructure.Encryption.Ring;
using Secrets.Infrastructure.Integrity;
using Secrets.Infrastructure.Persistence;

namespace Secrets.Infrastructure.Encryption.Rotation;

/// <summary>Finds accounts that the newest integrity key did not make, whatever their headers say.</summary>
internal sealed class AccountsToReseal(SecretsDbContext db, OwnerSeals owners, ApiKeySeals users, IntegrityKeys integrity)
{
    // Of one answer; the rest is for the next pass. About 100 bytes each.
    private const int MostAtOnce = 100_000;

    /// <summary>Owners whose account does not open with the newest key, and whether they are in quarantine.</summary>
    public async Task<List<(SecretOwner Owner, bool IsInQuarantine)>> FindOwnersAsync(CancellationToken cancellationToken)
    {
        var newest = integrity.Newest;
        List<(SecretOwner Owner, bool IsInQuarantine)> found = [];
        await foreach (var row in db.Owners.AsNoTracking().AsAsyncEnumerable().WithCancellation(cancellationToken))
        {
            var owner = new SecretOwner(row.Kind, row.Id);
            var confined = owners.OpenInQuarantine(owner, row.Version, row.Secrets, row.BytesUsed, row.Account);
            if ((confined ?? owners.Open(owner, row.Version, row.Secrets, row.BytesUsed, row.Account))?.IntegrityKey != newest)
            {
                found.Add((owner, confined is not null));
                if (found.Count == MostAtOnce)
                {
                    break;
                }
            }
        }

        return found;
    }

    /// <summary>Users whose account of API keys does not open with the newest key.</summary>
    public async Task<List<Guid>> FindUsersAsync(CancellationToken cancellationToken)
    {
        var newest = integrity.Newest;
        List<Guid> found = [];
        await foreach (var row in db.KeyAccounts.AsNoTracking().AsAsyncEnumerable().WithCancellation(cancellationToken))
        {
            if (users.Open(row)?.IntegrityKey != newest)
            {
                found.Add(row.UserId);
                if (found.Count == MostAtOnce)
                {
                    break;
                }
            }
        }

        return found;
    }
}
