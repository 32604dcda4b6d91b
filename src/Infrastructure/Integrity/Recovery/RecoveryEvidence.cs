using Secrets.Infrastructure.Audit;
using Secrets.Infrastructure.Encryption;
using Secrets.Infrastructure.Persistence;
using Secrets.Infrastructure.Persistence.Rows;

namespace Secrets.Infrastructure.Integrity.Recovery;

/// <summary>Reads the facts for <see cref="TamperRecovery"/>: the stored rows, and the audit rows that verify. Other audit rows may be forged.</summary>
internal sealed class RecoveryEvidence(IOwnerRows rows, OwnerSeals ownerSeals, ApiKeySeals keySeals, AuditRowVerifier verifier)
{
    /// <summary>The stored rows of an owner, and the version of the account; 0 if the account does not verify.</summary>
    public async Task<(OwnerRows Found, long Version)> ReadAsync(SecretsDbContext db, SecretOwner owner)
    {
        var found = (await rows.ReadAsync(db, [owner]))[0];
        var row = found.Owner;
        var account = row.Account is { } stored ? ownerSeals.Open(owner, row.Version, row.Secrets, row.BytesUsed, stored) : null;
        return (found, account?.Version ?? 0);
    }

    /// <summary>The account of an owner in quarantine; null: the owner is not in quarantine, or the row is an earlier one.</summary>
    public Account? FindQuarantined(SecretOwner owner, OwnerRows found)
    {
        var row = found.Owner;
        return row.Account is { } stored && Account.IsLatest(row.Version, row.Secrets, row.Audited)
            ? ownerSeals.OpenInQuarantine(owner, row.Version, row.Secrets, row.BytesUsed, stored)
            : null;
    }

    /// <summary>The verified owner if its rows verified when it was quarantined and are unchanged since; otherwise null.</summary>
    public VerifiedOwner? FindUnchanged(SecretOwner owner, OwnerRows found)
    {
        var row = found.Owner;
        if (row.Account is not { } stored
            || ownerSeals.OpenInQuarantine(owner, row.Version, row.Secrets, row.BytesUsed, stored) is not { } account
            || account.Digest == default)
        {
            return null;
        }

        var digests = ownerSeals.DigestsOf(found.Secrets, found.DataKeys, account.IntegrityKey);
        return RowDigest.Sum(digests.Values) == account.Digest && found.Secrets.Count == account.Count
            ? new VerifiedOwner(row.Stamp, account, found.Secrets, found.DataKeys) { Sealed = stored, Digests = digests }
            : null;
    }

    public async Task<AuditedHistory> ReadHistoryAsync(SecretsDbContext db, SecretOwner owner, CancellationToken cancellationToken)
    {
        var audited = db.Audit.Where(row => row.OwnerId == owner.Id && row.OwnerKind == owner.Kind && row.TargetKeyUserId == null);
        var (writes, others) = await VerifyAsync(db, audited, cancellationToken);
        return new AuditedHistory(
            writes.LastOrDefault()?.OwnerVersion ?? 0,
            writes.Where(write => write.SecretId is not null).GroupBy(write => write.SecretId!.Value)
                .ToDictionary(secret => secret.Key, secret => (secret.Last().SecretVersion, secret.Last().Action)),
            IsComplete: others.Count == 0);
    }

    /// <summary>The latest version of a user's account of API keys, from the audit and from the account itself if it verifies.</summary>
    public async Task<long> KeyVersionAsync(SecretsDbContext db, Guid userId, CancellationToken cancellationToken)
    {
        var (writes, _) = await VerifyAsync(db, db.Audit.Where(row => row.TargetKeyUserId == userId), cancellationToken);
        var row = await db.KeyAccounts.AsNoTracking().SingleOrDefaultAsync(row => row.UserId == userId, cancellationToken);
        return Math.Max(writes.LastOrDefault()?.OwnerVersion ?? 0, row is null ? 0 : keySeals.Open(row)?.Version ?? 0);
    }

    /// <summary>The rows that verify, oldest version first, and the others.</summary>
    private async Task<(List<AuditEntry> Verified, List<AuditEntry> Others)> VerifyAsync(
        SecretsDbContext db, IQueryable<AuditEntry> entries, CancellationToken cancellationToken)
    {
        List<AuditEntry> verified = [];
        List<AuditEntry> others = [];
        foreach (var row in await entries.AsNoTracking().Where(row => row.OwnerVersion != null).OrderBy(row => row.OwnerVersion).ToListAsync(cancellationToken))
        {
            (await verifier.IsGenuineAsync(db, row, cancellationToken) ? verified : others).Add(row);
        }

        return (verified, others);
    }
}

/// <summary>The history of an owner's secrets in the audit.</summary>
/// <param name="Version">The last version of the account; 0: the audit has none.</param>
/// <param name="Secrets">The last version of each secret and the action that wrote it, by id.</param>
/// <param name="IsComplete">Whether all of the owner's rows with a version verify. Otherwise a later version of any secret may be missing.</param>
internal sealed record AuditedHistory(long Version, Dictionary<Guid, (int? Version, AuditAction Action)> Secrets, bool IsComplete)
{
    public string? FaultOf(StoredSecret secret) => !Secrets.TryGetValue(secret.Id, out var last) ? null
        : last.Action == AuditAction.SecretDelete ? "the audit records its deletion"
        : last.Version != secret.Version ? $"its version is {secret.Version}, but the audit's latest is {last.Version}"
        : null;

    public IEnumerable<string> MissingFrom(List<StoredSecret> stored) => Secrets
        .Where(secret => secret.Value.Action != AuditAction.SecretDelete && !stored.Exists(row => row.Id == secret.Key))
        .Select(secret => $"missing {secret.Key}: the audit records version {secret.Value.Version} and no deletion");

    public string AcceptanceNote(StoredSecret row) =>
        !IsComplete ? ": perhaps an old version, because an audit row of this owner does not verify"
        : Secrets.ContainsKey(row.Id) ? ""
        : ": not checked against the audit, which has no row of this secret";
}
