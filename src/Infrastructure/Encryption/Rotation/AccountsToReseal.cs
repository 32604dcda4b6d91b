using Secrets.Infrastructure.Encryption.Ring;
using Secrets.Infrastructure.Integrity;
using Secrets.Infrastructure.Persistence;

namespace Secrets.Infrastructure.Encryption.Rotation;

/// <summary>Finds accounts that are not sealed with the newest integrity key. Headers are untrusted, so each account is opened.</summary>
internal sealed class AccountsToReseal(SecretsDbContext db, OwnerSeals owners, ApiKeySeals users, IntegrityKeys integrity)
{
    // The most accounts of one pass, about 100 bytes each. The next pass finds the others.
    private const int MaxAccounts = 100_000;

    /// <summary>
    /// Finds owners whose account does not open with the newest key, and whether they seem to be in quarantine. The row may be an old one: only a locked row
    /// decides.
    /// </summary>
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
                if (found.Count == MaxAccounts)
                {
                    break;
                }
            }
        }

        return found;
    }

    /// <summary>Finds users whose key account does not open with the newest key.</summary>
    public async Task<List<Guid>> FindUsersAsync(CancellationToken cancellationToken)
    {
        var newest = integrity.Newest;
        List<Guid> found = [];
        await foreach (var row in db.KeyAccounts.AsNoTracking().AsAsyncEnumerable().WithCancellation(cancellationToken))
        {
            if (users.Open(row)?.IntegrityKey != newest)
            {
                found.Add(row.UserId);
                if (found.Count == MaxAccounts)
                {
                    break;
                }
            }
        }

        return found;
    }
}
