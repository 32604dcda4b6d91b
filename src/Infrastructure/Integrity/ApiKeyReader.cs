using Microsoft.EntityFrameworkCore;
using Secrets.Application.Audit;
using Secrets.Domain.ApiKeys;
using Secrets.Infrastructure.Encryption;
using Secrets.Infrastructure.Persistence;
using Secrets.Infrastructure.Persistence.Rows;

namespace Secrets.Infrastructure.Integrity;

/// <summary>The keys of a user that are not revoked, verified.</summary>
/// <param name="Account">The account that they make.</param>
/// <param name="Sealed">How the database has it; null: the user never had a key.</param>
/// <param name="Digests">The digest of each key by its id.</param>
internal sealed record VerifiedApiKeys(Account Account, byte[]? Sealed, IReadOnlyDictionary<Guid, RowDigest> Digests)
{
    /// <summary>When the user's last key with the scope <c>operator</c> ends; <see cref="DateTimeOffset.MinValue"/>: the user has none.</summary>
    public DateTimeOffset OperatorUntil { get; init; }

    /// <summary>Whether these are the keys of that account.</summary>
    public bool IsOf(KeyAccountRow row) => Sealed is not null && Sealed.AsSpan().SequenceEqual(row.Account) && (Account.Version, Account.Count) == (row.Version, row.Keys);

    /// <summary>Whether a row is as it was verified: one of these, or revoked and none of them.</summary>
    public bool Has(ApiKey key, ApiKeySeals seals)
    {
        try
        {
            return Digests.TryGetValue(key.Id, out var digest) ? key.RevokedAt is null && digest == seals.DigestOf(key, Account.IntegrityKey) : key.RevokedAt is not null;
        }
        catch (ArgumentException)
        {
            return false;
        }
    }
}

/// <summary>Every authentication and every change of API keys reads them here (docs/decisions/0020-the-database-is-not-trusted.md).</summary>
internal sealed class ApiKeyReader(ApiKeySeals seals, VersionFloors<Guid> seen, FailClosedReads reads)
{
    /// <summary>Reads and verifies the keys of a user.</summary>
    /// <param name="db">Whose connection to use; nothing of it is tracked.</param>
    /// <param name="userId">The user.</param>
    /// <returns>The keys; or why they do not verify.</returns>
    public Task<(VerifiedApiKeys? Keys, string? Fault)> ReadAsync(SecretsDbContext db, Guid userId) => reads.OrUnavailableAsync(db, async () =>
    {
        // A write between two statements, or within one where the database has no versions of rows, looks like a fault. In a snapshot there is none, and under the lock neither.
        var read = await TryReadAsync(db, userId, seen.Find(userId));
        if (read.Fault is null)
        {
            return read;
        }

        var floor = seen.Find(userId);
        return db.Database.CurrentTransaction is null
            ? await db.AtOneMomentAsync(() => TryReadAsync(db, userId, floor), CancellationToken.None)
            : await TryReadAsync(db, userId, floor);
    });

    private async Task<(VerifiedApiKeys? Keys, string? Fault)> TryReadAsync(SecretsDbContext db, Guid userId, VersionFloor floor)
    {
        try
        {
            var found = await db.KeyAccounts.AsNoTracking().Where(account => account.UserId == userId)
                .Select(account => new
                {
                    Account = account,
                    Keys = db.ApiKeys.Where(key => key.UserId == userId && key.RevokedAt == null).ToList(),
                    IsBehind = db.Audit.Any(row => row.TargetKeyUserId == userId && row.OwnerVersion > account.Version),
                })
                .AsSingleQuery()
                .SingleOrDefaultAsync();
            var (keys, fault) = found is null
                ? await VerifyNoneAsync(db, userId, floor)
                : Verify(found.Account, found.Keys, found.IsBehind, floor);
            if (keys is not null)
            {
                seen.Note(userId, keys.Account.Version, keys.Sealed);
            }

            return (keys, fault);
        }
        catch (Exception exception) when (AuditRows.AreUnreadable(exception))
        {
            return (null, "a row has what the service cannot have written");
        }
    }

    private async Task<(VerifiedApiKeys? Keys, string? Fault)> VerifyNoneAsync(SecretsDbContext db, Guid userId, VersionFloor floor) =>
        floor.Version > 0
        || await db.Audit.AnyAsync(row => row.TargetKeyUserId == userId && row.OwnerVersion > 0)
        || await db.ApiKeys.AnyAsync(key => key.UserId == userId && key.RevokedAt == null)
            ? (null, "the account of the user's keys is missing")
            : (new VerifiedApiKeys(seals.New(), Sealed: null, new Dictionary<Guid, RowDigest>()), null);

    private (VerifiedApiKeys? Keys, string? Fault) Verify(KeyAccountRow row, List<ApiKey> keys, bool isBehind, VersionFloor floor)
    {
        if (isBehind || floor.IsRolledBack(row.Version, AccountSeals.NoncePrefixOf(row.Account)))
        {
            return (null, $"version {row.Version} of the user's keys was set back");
        }

        if (seals.Open(row) is not { } account)
        {
            return (null, "the account of the user's keys was not sealed by this service, or not for this version");
        }

        var digests = new Dictionary<Guid, RowDigest>(keys.Count);
        var sum = default(RowDigest);
        var operatorUntil = default(DateTimeOffset);
        try
        {
            foreach (var key in keys)
            {
                sum += digests[key.Id] = seals.DigestOf(key, account.IntegrityKey);
                if (key.Scopes.HasFlag(Scopes.Operator) && (key.ExpiresAt ?? DateTimeOffset.MaxValue) is var end && end > operatorUntil)
                {
                    operatorUntil = end;
                }
            }
        }
        catch (ArgumentException)
        {
            return (null, "a row has what is no text");
        }

        return sum == account.Digest && keys.Count == account.Count
            ? (new VerifiedApiKeys(account, row.Account, digests) { OperatorUntil = operatorUntil }, null)
            : (null, $"the user's keys are not those of version {row.Version}: one was added, changed, removed or put back");
    }
}
