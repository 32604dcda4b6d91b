using Secrets.Application.Encryption;
using Secrets.Infrastructure.Encryption.Ring;
using Secrets.Infrastructure.Persistence;
using Secrets.Infrastructure.Persistence.Rows;

namespace Secrets.Infrastructure.Encryption.Rotation;

/// <summary>Stores rotation requests and reads their progress. <see cref="KeyRotationWorker"/> replaces the keys.</summary>
internal sealed class KeyRotation(SecretsDbContext db, KeyRing ring, RootKey rootKey, IntegrityKeyWrapping integrity, KeyRotationSignal signal) : IKeyRotation
{
    public async Task RequestAsync(KeyLayer layer, AuditEvent auditEvent, CancellationToken cancellationToken)
    {
        await ring.ChangeAsync(db, records => WithRequest(records, layer, auditEvent.At), auditEvent, cancellationToken);
        signal.Raise();
    }

    public async Task<EncryptionState> ReadAsync(CancellationToken cancellationToken)
    {
        var records = ring.Read();
        var (dataKeys, keyRing) = (records.Find(KeyLayer.DataKeys), records.Find(KeyLayer.KeyRing));
        return new EncryptionState(
            rootKey.Fingerprint,
            ProgressOf(dataKeys, dataKeys is null ? 0 : await db.DataKeys.LongCountAsync(row => row.CreatedAt < dataKeys.RequestedAt, cancellationToken)),
            ProgressOf(keyRing, keyRing is null ? 0 : records.Ring.Count(row => RingKeys.DateOf(row) < keyRing.RequestedAt)),
            ProgressOf(records.Find(KeyLayer.Integrity), records.IntegrityRows.Count - 1));
    }

    /// <summary>Dates the request by the clock that dates the keys of the layer. Otherwise keys that are made from now on could be replaced too.</summary>
    private KeyRecords WithRequest(KeyRecords records, KeyLayer layer, DateTimeOffset now)
    {
        switch (layer)
        {
            case KeyLayer.KeyRing:
                return ring.WithNewKey(records, out var madeAt).WithRequest(layer, madeAt);
            case KeyLayer.Integrity:
                var (key, wrapped) = integrity.Make(records.IntegrityKeys.Max(one => one.Number) + 1);
                return records.WithIntegrityKey(key, wrapped).WithRequest(layer, now);
            default:
                return records.WithRequest(layer, now);
        }
    }

    private static RotationProgress ProgressOf(KeyRotationRow? row, long left) => new(row?.RequestedAt, row?.FinishedAt, left);
}
