using Secrets.Infrastructure.Encryption;
using Secrets.Infrastructure.Encryption.DataKeys;
using Secrets.Infrastructure.Persistence;
using Secrets.Infrastructure.Persistence.Rows;
using Secrets.Infrastructure.Transactions;

namespace Secrets.Infrastructure.Integrity.Recovery;

/// <summary>
/// Makes the stored rows of an owner, or of a user's API keys, the current state after rows were changed outside the service. Accepts no row that the audit
/// contradicts, and no API key.
/// </summary>
internal sealed class TamperRecovery(SecretsDbContext db, RecoveryEvidence evidence, CurrentDataKeys keys, DataKeyWrapping wrapping, TimeProvider time)
{
    /// <summary>Accepts an owner's secrets, except those that do not open or that the audit contradicts. New values get a new data key.</summary>
    /// <returns>One line per secret, for the operator.</returns>
    public Task<List<string>> AcceptAsync(SecretOwner owner, CancellationToken cancellationToken) => db.InTransactionAsync(
        async token =>
        {
            await db.LockRowAsync(owner, token);
            var (found, version) = await evidence.ReadAsync(db, owner);
            var history = await evidence.ReadHistoryAsync(db, owner, token);
            List<string> lines;
            if (history.IsComplete && evidence.FindUnchanged(owner, found) is { } unchanged && Account.IsLatest(unchanged.Account.Version, unchanged.Account.Count, history.Version))
            {
                db.LockedAccounts.Add(owner, unchanged);
                db.LockedAccounts.Release(owner);
                lines = [$"accepted {owner} as it was before the quarantine: {found.Secrets.Count} secrets"];
            }
            else
            {
                db.LockedAccounts.Adopt(owner, found, Math.Max(version, history.Version));
                lines = await SiftAsync(owner, found, history, token);
                await ReplaceDataKeyAsync(owner, token);
            }

            db.Record(Fact(AuditAction.IntegrityAccept) with { Owner = owner });
            return lines;
        },
        cancellationToken);

    /// <summary>Revokes every API key of a user, because nobody can tell any more which of them the service wrote.</summary>
    /// <returns>One line per key, for the operator.</returns>
    public Task<List<string>> AcceptKeysAsync(Guid userId, CancellationToken cancellationToken) => db.InTransactionAsync(
        async token =>
        {
            if (await db.AdoptKeysAsync(userId, await evidence.KeyVersionAsync(db, userId, token), token) is not { } unrevoked)
            {
                return [];
            }

            foreach (var key in unrevoked)
            {
                key.Revoke(time.GetUtcNow());
                db.Record(Fact(AuditAction.KeyDelete) with { Owner = SecretOwner.User(userId), TargetKeyId = key.Id, TargetKeyUserId = userId });
            }

            db.Record(Fact(AuditAction.IntegrityAccept) with { Owner = SecretOwner.User(userId), TargetKeyUserId = userId });
            return unrevoked.ConvertAll(key => $"revoked API key {TamperedException.Quote(key.Prefix)}");
        },
        cancellationToken);

    private async Task<List<string>> SiftAsync(SecretOwner owner, OwnerRows found, AuditedHistory history, CancellationToken cancellationToken)
    {
        var dataKeys = found.DataKeys.Select(wrapping.Unwrap).OfType<DataKey>().ToDictionary(key => key.Id);
        List<string> lines = [];
        foreach (var secret in found.Secrets)
        {
            var name = TamperedException.Quote(secret.Name);
            if ((FaultOf(secret, dataKeys) ?? history.FaultOf(secret)) is not { } fault)
            {
                lines.Add($"accepted {secret.Id} {name}{history.AcceptanceNote(secret)}");
                continue;
            }

            lines.Add($"removed {secret.Id} {name}: {fault}");
            db.Secrets.Remove(await db.Secrets.SingleAsync(row => row.Id == secret.Id, cancellationToken));
            db.Record(Fact(AuditAction.SecretDelete) with { Owner = owner, SecretId = secret.Id, SecretVersion = secret.Version });
        }

        return [.. lines, .. history.MissingFrom(found.Secrets)];
    }

    /// <summary>Retires all data keys, because nobody can tell any more which one was current, and adds a new one.</summary>
    private async Task ReplaceDataKeyAsync(SecretOwner owner, CancellationToken cancellationToken)
    {
        var current = db.DataKeys.Where(key => key.OwnerKind == owner.Kind && key.OwnerId == owner.Id && key.RetiredAt == null);
        foreach (var key in await current.ToListAsync(cancellationToken))
        {
            key.RetiredAt = time.GetUtcNow();
        }

        await db.SaveChangesAsync(cancellationToken);
        keys.AddNewKey(owner);
    }

    private AuditEvent Fact(AuditAction action) => AuditEvent.ByService(action, time.GetUtcNow());

    /// <summary>The fault of a row; null: its value opens in this row, and the other columns agree with the value.</summary>
    private static string? FaultOf(StoredSecret secret, Dictionary<Guid, DataKey> keys)
    {
        if (Envelope.KeyIdOf(secret.Envelope) is not { } id || !keys.TryGetValue(id, out var key))
        {
            return "its data key is missing";
        }

        var candidate = secret.ToCandidate();
        using var value = Envelope.Open(key.Bytes, candidate.Placement, secret.Envelope);
        if (value is null)
        {
            return "its value does not open in this row";
        }

        return secret.HasLookupHashesOf(candidate.Placement)
            && secret.Size == value.CountBytes()
            && string.Equals(secret.Display, MaskedValue.FromValue(value), StringComparison.Ordinal)
            ? null
            : "its other columns do not agree with its value and name";
    }
}
