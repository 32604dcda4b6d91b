using Microsoft.EntityFrameworkCore;
using Secrets.Domain.Secrets;
using Secrets.Infrastructure.Persistence;

namespace Secrets.Infrastructure.Integrity;

/// <summary>Finds accounts that an integrity key did not make, whatever their headers say.</summary>
internal sealed class OutdatedAccounts(SecretsDbContext db, OwnerSeals owners, KeySeals users)
{
    // Of one answer; the rest is for the next pass. About 100 bytes each.
    private const int MostAtOnce = 100_000;

    /// <summary>Owners whose account does not open with the key of that number. One in quarantine is none of them: its account does not count, and is made anew when the owner is accepted.</summary>
    public async Task<List<SecretOwner>> FindOwnersAsync(int integrityKey, CancellationToken cancellationToken)
    {
        List<SecretOwner> found = [];
        await foreach (var row in db.Owners.AsNoTracking().AsAsyncEnumerable().WithCancellation(cancellationToken))
        {
            var owner = new SecretOwner(row.Kind, row.Id);
            if (owners.Open(owner, row.Version, row.Secrets, row.BytesUsed, row.Account)?.IntegrityKey != integrityKey
                && !owners.IsInQuarantine(owner, row.Version, row.Secrets, row.BytesUsed, row.Account))
            {
                found.Add(owner);
                if (found.Count == MostAtOnce)
                {
                    break;
                }
            }
        }

        return found;
    }

    /// <summary>Users whose account of API keys does not open with the key of that number.</summary>
    public async Task<List<Guid>> FindUsersAsync(int integrityKey, CancellationToken cancellationToken)
    {
        List<Guid> found = [];
        await foreach (var row in db.KeyAccounts.AsNoTracking().AsAsyncEnumerable().WithCancellation(cancellationToken))
        {
            if (users.Open(row)?.IntegrityKey != integrityKey)
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
