using Secrets.Application.Audit;
using Secrets.Domain.ApiKeys;
using Secrets.Infrastructure.Encryption;
using Secrets.Infrastructure.Persistence;
using Secrets.Infrastructure.Persistence.Rows;

namespace Secrets.Infrastructure.Integrity;

/// <summary>The verified API keys of a user, without revoked ones.</summary>
/// <param name="Account">The account of these keys.</param>
/// <param name="Sealed">The sealed account; null: the user never had a key.</param>
/// <param name="Digests">The digest of each key, by id.</param>
internal sealed record VerifiedApiKeys(Account Account, byte[]? Sealed, IReadOnlyDictionary<Guid, RowDigest> Digests)
{
    /// <summary>The latest expiry of the user's keys with the scope <c>operator</c>; <see cref="DateTimeOffset.MinValue"/>: no such key.</summary>
    public DateTimeOffset OperatorUntil { get; init; }

    /// <summary>Whether a row is the account of these keys.</summary>
    public bool IsOf(KeyAccountRow row) =>
        Sealed is not null && Sealed.AsSpan().SequenceEqual(row.Account) && (Account.Version, Account.Count) == (row.Version, row.Keys);

    /// <summary>
    /// Whether a key's row can be used. An unrevoked key must equal the verified one. Revoked keys are not in the account, so they always pass.
    /// </summary>
    public bool Has(ApiKey key, ApiKeySeals seals)
    {
        try
        {
            return Digests.TryGetValue(key.Id, out var digest)
                ? key.RevokedAt is null && digest == seals.DigestOf(key, Account.IntegrityKey)
                : key.RevokedAt is not null;
        }
        catch (ArgumentException)
        {
            return false;
        }
    }
}

/// <summary>The only way to read API keys for authentication and for changes (docs/decisions/0020-the-database-is-not-trusted.md).</summary>
internal sealed class ApiKeyReader(ApiKeySeals seals, VersionFloors<Guid> versionFloors, FailClosedReads reads)
{
    /// <summary>Reads and verifies the API keys of a user, without tracking.</summary>
    /// <returns>The keys, or the fault.</returns>
    public Task<(VerifiedApiKeys? Keys, string? Fault)> ReadAsync(SecretsDbContext db, Guid userId) => reads.OrUnavailableAsync(db, async () =>
    {
        // A concurrent write looks like a fault: between two statements, or within one statement of a database that does not read from a snapshot.
        // So read again, in a snapshot or under the caller's lock, where no concurrent write is visible.
        var read = await TryReadAsync(db, userId, versionFloors.Find(userId));
        if (read.Fault is null)
        {
            return read;
        }

        var floor = versionFloors.Find(userId);
        return db.Database.CurrentTransaction is null
            ? await db.InSnapshotAsync(() => TryReadAsync(db, userId, floor), CancellationToken.None)
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

                    // Repeats the filter of the index: SQL Server does not derive it from a comparison with another table.
                    Audited = db.Audit.Where(row => row.TargetKeyUserId == userId && row.TargetKeyUserId != null && row.OwnerVersion != null).Max(row => row.OwnerVersion) ?? 0,
                })
                .AsSingleQuery()
                .SingleOrDefaultAsync();
            var (keys, fault) = found is null
                ? await VerifyNoneAsync(db, userId, floor)
                : Verify(found.Account, found.Keys, found.Audited, floor);
            if (keys is not null)
            {
                versionFloors.Raise(userId, keys.Account.Version, keys.Sealed);
            }

            return (keys, fault);
        }
        catch (Exception exception) when (AuditRows.AreUnreadable(exception))
        {
            return (null, "a row has a value that the service never writes");
        }
    }

    private async Task<(VerifiedApiKeys? Keys, string? Fault)> VerifyNoneAsync(SecretsDbContext db, Guid userId, VersionFloor floor) =>
        floor.Version > 0
        || await db.Audit.AnyAsync(row => row.TargetKeyUserId == userId && row.OwnerVersion > 0)
        || await db.ApiKeys.AnyAsync(key => key.UserId == userId && key.RevokedAt == null)
            ? (null, "the account of the user's keys is missing")
            : (new VerifiedApiKeys(seals.Empty(), Sealed: null, new Dictionary<Guid, RowDigest>()), null);

    private (VerifiedApiKeys? Keys, string? Fault) Verify(KeyAccountRow row, List<ApiKey> keys, long audited, VersionFloor floor)
    {
        if (!Account.IsLatest(row.Version, row.Keys, audited) || floor.IsRolledBack(row.Version, AccountSeals.NoncePrefixOf(row.Account)))
        {
            return (null, $"the stored version {row.Version} of the user's keys is not the current one");
        }

        if (seals.Open(row) is not { } account)
        {
            return (null, "the account of the user's keys was not sealed by this service, or not for this version");
        }

        Dictionary<Guid, RowDigest> digests;
        try
        {
            digests = keys.ToDictionary(key => key.Id, key => seals.DigestOf(key, account.IntegrityKey));
        }
        catch (ArgumentException)
        {
            return (null, "a row has a value that is not text");
        }

        var operatorKeys = keys.Where(key => key.Scopes.HasFlag(Scopes.Operator)).Select(key => key.ExpiresAt ?? DateTimeOffset.MaxValue);
        return RowDigest.Sum(digests.Values) == account.Digest && keys.Count == account.Count
            ? (new VerifiedApiKeys(account, row.Account, digests) { OperatorUntil = operatorKeys.DefaultIfEmpty().Max() }, null)
            : (null, $"the user's keys are not those of version {row.Version}: one was added, changed, removed or put back");
    }
}
