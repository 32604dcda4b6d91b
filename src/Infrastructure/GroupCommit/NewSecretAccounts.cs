using Secrets.Application.Secrets;
using Secrets.Infrastructure.Encryption;
using Secrets.Infrastructure.Integrity;
using Secrets.Infrastructure.Persistence;
using Secrets.Infrastructure.Persistence.Rows;
using Secrets.Infrastructure.Transactions;

namespace Secrets.Infrastructure.GroupCommit;

/// <summary>Computes the accounts of owners after a group of creates.</summary>
internal sealed class NewSecretAccounts(OwnerReader reader, OwnerSeals seals, AccountCache known, IntegrityAlarms alarms, IOptions<QuotaOptions> quota) : IDisposable
{
    private readonly OwnerGroupTurns _turns = new();

    /// <summary>Waits for other groups of this process that write to one of these owners.</summary>
    public ValueTask<OwnerGroupTurns.Turn> TakeTurnAsync(IEnumerable<SecretOwner> owners) => _turns.TakeAsync(owners);

    public void Dispose() => _turns.Dispose();

    /// <summary>The cached account; null: none is cached, or an integrity alarm is raised for the owner.</summary>
    public CachedAccount? Find(SecretOwner owner) => alarms.IsRaised(owner) ? null : known.Find(owner);

    /// <summary>The account of a row read under the lock; null: the account does not verify, or an integrity alarm is raised for the owner.</summary>
    public CachedAccount? Open(SecretOwner owner, OwnerRow row) => alarms.IsRaised(owner) ? null : reader.Open(owner, row);

    /// <summary>
    /// The secrets, in order, that fit the quota and are sealed with the current data key. <c>OwnerTransaction</c> stores or refuses the others.
    /// </summary>
    public List<T> Fitting<T>(Account account, List<T> own, Func<T, Secret> secretOf)
    {
        var (bytes, count) = (account.Bytes, account.Count);
        return own.FindAll(item =>
        {
            var secret = secretOf(item);
            if (Envelope.KeyIdOf(secret.Envelope) != account.CurrentKey
                || bytes + secret.Size > quota.Value.BytesPerOwner || count + 1 > quota.Value.SecretsPerOwner)
            {
                return false;
            }

            bytes += secret.Size;
            count++;
            return true;
        });
    }

    /// <summary>The account after these secrets were added.</summary>
    public AccountChange ChangeOf(SecretOwner owner, CachedAccount before, List<Secret> added)
    {
        var after = (before.Account with
        {
            Count = before.Account.Count + added.Count,
            Bytes = before.Account.Bytes + added.Sum(secret => (long)secret.Size),
            Digest = added.Aggregate(before.Account.Digest, (sum, secret) => sum + seals.DigestOf(StoredSecret.FromEntity(secret), before.Account.IntegrityKey)),
        }).WithNextVersion();
        return new AccountChange(owner, before, new CachedAccount(after, seals.Seal(owner, after)));
    }

    /// <summary>Caches a committed account.</summary>
    public void Note(AccountChange move) => known.Note(move.Owner, move.After);

    /// <summary>Removes an account from the cache, so the next group reads it.</summary>
    public void Forget(AccountChange move) => known.Forget(move.Owner);
}
