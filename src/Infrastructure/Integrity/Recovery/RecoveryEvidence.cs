using Microsoft.EntityFrameworkCore;
using Secrets.Domain.Audit;
using Secrets.Domain.Secrets;
using Secrets.Infrastructure.Audit;
using Secrets.Infrastructure.Encryption;
using Secrets.Infrastructure.Persistence;
using Secrets.Infrastructure.Persistence.Rows;

namespace Secrets.Infrastructure.Integrity.Recovery;

/// <summary>What <see cref="TamperRecovery"/> goes by: rows as they are, and rows of the audit that verify in their chains. Others may have been put there.</summary>
internal sealed class RecoveryEvidence(IOwnerRows rows, OwnerSeals ownerSeals, ApiKeySeals keySeals, AuditRowVerifier genuine)
{
    /// <summary>What is stored of an owner, and the version of its account; 0 where the account was not sealed by the service.</summary>
    public async Task<(OwnerRows Found, long Version)> ReadAsync(SecretsDbContext db, SecretOwner owner)
    {
        var found = (await rows.ReadAsync(db, [owner]))[0];
        var row = found.Owner;
        return (found, row.Account is { } account && ownerSeals.Open(owner, row.Version, row.Secrets, row.BytesUsed, account) is { } opened ? opened.Version : 0);
    }

    /// <summary>An owner in quarantine whose rows are those that verified when it was put there; null: they are not, or it is in none.</summary>
    public VerifiedOwner? Released(SecretOwner owner, OwnerRows found)
    {
        var row = found.Owner;
        if (row.Account is not { } stored || ownerSeals.OpenInQuarantine(owner, row.Version, row.Secrets, row.BytesUsed, stored) is not { } account || account.Digest == default)
        {
            return null;
        }

        var digests = ownerSeals.DigestsOf(found.Secrets, found.DataKeys, account.IntegrityKey);
        return RowDigest.Sum(digests.Values) == account.Digest && found.Secrets.Count == account.Count
            ? new VerifiedOwner(row.Stamp, account, found.Secrets, found.DataKeys) { Sealed = stored, Digests = digests }
            : null;
    }

    /// <summary>What the audit says of an owner's secrets.</summary>
    public async Task<Audited> AuditedAsync(SecretsDbContext db, SecretOwner owner, CancellationToken cancellationToken)
    {
        var writes = await GenuineAsync(db, db.Audit.Where(row => row.OwnerId == owner.Id && row.OwnerKind == owner.Kind && row.TargetKeyUserId == null), cancellationToken);
        return new Audited(
            writes.LastOrDefault()?.OwnerVersion ?? 0,
            writes.Where(write => write.SecretId is not null).GroupBy(write => write.SecretId!.Value)
                .ToDictionary(secret => secret.Key, secret => (secret.Last().SecretVersion, secret.Last().Action)));
    }

    /// <summary>The latest version of a user's key account that the service wrote.</summary>
    public async Task<long> KeyVersionAsync(SecretsDbContext db, Guid userId, CancellationToken cancellationToken)
    {
        var audited = (await GenuineAsync(db, db.Audit.Where(row => row.TargetKeyUserId == userId), cancellationToken)).LastOrDefault()?.OwnerVersion ?? 0;
        return await db.KeyAccounts.AsNoTracking().SingleOrDefaultAsync(row => row.UserId == userId, cancellationToken) is { } stored && keySeals.Open(stored) is { } account
            ? Math.Max(audited, account.Version)
            : audited;
    }

    private async Task<List<AuditEntry>> GenuineAsync(SecretsDbContext db, IQueryable<AuditEntry> entries, CancellationToken cancellationToken)
    {
        List<AuditEntry> written = [];
        foreach (var row in await entries.AsNoTracking().Where(row => row.OwnerVersion != null).OrderBy(row => row.OwnerVersion).ToListAsync(cancellationToken))
        {
            if (await genuine.IsGenuineAsync(db, row, cancellationToken))
            {
                written.Add(row);
            }
        }

        return written;
    }
}

/// <summary>What the audit says of an owner.</summary>
internal sealed record Audited(long Version, Dictionary<Guid, (int? Version, AuditAction Action)> Secrets)
{
    public string? FaultOf(StoredSecret secret) => !Secrets.TryGetValue(secret.Id, out var last) ? null
        : last.Action == AuditAction.SecretDelete ? "the audit says that it was deleted"
        : last.Version != secret.Version ? $"it is version {secret.Version}, and the audit has version {last.Version}"
        : null;

    public IEnumerable<string> MissingFrom(List<StoredSecret> stored) => Secrets
        .Where(secret => secret.Value.Action != AuditAction.SecretDelete && !stored.Exists(row => row.Id == secret.Key))
        .Select(secret => $"missing {secret.Key}: the audit has version {secret.Value.Version} and no deletion");

    public string NoteOn(StoredSecret secret) => Secrets.ContainsKey(secret.Id) ? "" : ": the audit has no row of it any more";
}
