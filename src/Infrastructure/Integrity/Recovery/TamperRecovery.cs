using Microsoft.EntityFrameworkCore;
using Secrets.Domain.Audit;
using Secrets.Domain.Secrets;
using Secrets.Infrastructure.Encryption;
using Secrets.Infrastructure.Encryption.DataKeys;
using Secrets.Infrastructure.Persistence;
using Secrets.Infrastructure.Persistence.Rows;
using Secrets.Infrastructure.Transactions;

namespace Secrets.Infrastructure.Integrity.Recovery;

/// <summary>
/// Makes what is there of an owner, or of a user's API keys, the current state: for an operator, after rows were changed outside the service. It accepts nothing that the audit contradicts, and
/// revives no API key.
/// </summary>
internal sealed class TamperRecovery(SecretsDbContext db, RecoveryEvidence sources, CurrentDataKeys keys, DataKeyWrapping wrapping, TimeProvider time)
{
    /// <summary>Accepts an owner's secrets. Those that do not open, or that the audit contradicts, are removed. New values are sealed with a new data key from then on.</summary>
    /// <returns>What became of each secret, in words for the operator.</returns>
    public Task<List<string>> AcceptAsync(SecretOwner owner, CancellationToken cancellationToken) => db.InTransactionAsync(
        async token =>
        {
            await db.LockRowAsync(owner, token);
            var (found, version) = await sources.ReadAsync(db, owner);
            var audited = await sources.AuditedAsync(db, owner, token);
            if (sources.Released(owner, found) is { } released && released.Account.Version >= audited.Version)
            {
                db.LockedAccounts.Add(owner, released);
                db.LockedAccounts.Release(owner);
                db.Record(Fact(AuditAction.IntegrityAccept) with { Owner = owner });
                return [$"accepted {owner} as it was before the quarantine: {found.Secrets.Count} secrets"];
            }

            db.LockedAccounts.Adopt(owner, found, Math.Max(version, audited.Version));
            var dataKeys = found.DataKeys.Select(wrapping.Unwrap).OfType<DataKey>().ToDictionary(key => key.Id);
            List<string> words = [];
            foreach (var secret in found.Secrets)
            {
                var fault = FaultOf(secret, dataKeys) ?? audited.FaultOf(secret);
                words.Add($"{(fault is null ? "accepted" : "removed")} {secret.Id} {TamperedException.Quote(secret.Name)}{(fault is null ? audited.NoteOn(secret) : $": {fault}")}");
                if (fault is not null)
                {
                    db.Secrets.Remove(await db.Secrets.SingleAsync(row => row.Id == secret.Id, token));
                    db.Record(Fact(AuditAction.SecretDelete) with { Owner = owner, SecretId = secret.Id, SecretVersion = secret.Version });
                }
            }

            words.AddRange(audited.MissingFrom(found.Secrets));

            // Which of the data keys was the current one is no longer certain.
            foreach (var current in await db.DataKeys.Where(key => key.OwnerKind == owner.Kind && key.OwnerId == owner.Id && key.RetiredAt == null).ToListAsync(token))
            {
                current.RetiredAt = time.GetUtcNow();
            }

            await db.SaveChangesAsync(token);
            keys.Add(owner);
            db.Record(Fact(AuditAction.IntegrityAccept) with { Owner = owner });
            return words;
        },
        cancellationToken);

    /// <summary>Revokes every API key of a user: which of them the service wrote nobody can tell any more.</summary>
    /// <returns>What became of each key, in words for the operator.</returns>
    public Task<List<string>> AcceptKeysAsync(Guid userId, CancellationToken cancellationToken) => db.InTransactionAsync(
        async token =>
        {
            if (await db.AdoptKeysAsync(userId, await sources.KeyVersionAsync(db, userId, token), token) is not { } live)
            {
                return [];
            }

            foreach (var key in live)
            {
                key.Revoke(time.GetUtcNow());
                db.Record(Fact(AuditAction.KeyDelete) with { Owner = SecretOwner.User(userId), TargetKeyId = key.Id, TargetKeyUserId = userId });
            }

            db.Record(Fact(AuditAction.IntegrityAccept) with { Owner = SecretOwner.User(userId), TargetKeyUserId = userId });
            return live.ConvertAll(key => $"revoked API key {TamperedException.Quote(key.Prefix)}");
        },
        cancellationToken);

    private AuditEvent Fact(AuditAction action) => AuditEvent.ByService(action, time.GetUtcNow());

    /// <summary>Why a row is not one that the service wrote; null: its value opens in its place, and the rest of the row agrees with it.</summary>
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

        return secret.HasLookupHashesOf(candidate.Placement) && secret.Size == value.CountBytes() && string.Equals(secret.Display, MaskedValue.FromValue(value), StringComparison.Ordinal)
            ? null
            : "its other columns do not agree with its value and name";
    }
}
