using Microsoft.EntityFrameworkCore;
using Secrets.Application.Common;
using Secrets.Application.Encryption;
using Secrets.Domain.Audit;
using Secrets.Infrastructure.Persistence;

namespace Secrets.Infrastructure.Encryption;

/// <summary>Notes that keys are to be replaced, and reads how far that is. <see cref="KeyRotationWorker"/> does it.</summary>
internal sealed class KeyRotation(SecretsDbContext db, KeyRing ring, RootKey rootKey, TimeProvider time, KeyRotationSignal signal) : IKeyRotation
{
    public async Task RequestAsync(KeyLayer layer, AuditEvent fact, CancellationToken cancellationToken)
    {
        // By the clock that dates the keys of the layer: what is made from now on is not from before. A key of the ring that was added stays if what follows fails, and does no
        // harm. Not in the transaction: many at once would hold the connections that it takes to add one.
        var moment = layer == KeyLayer.KeyRing ? ring.AddKey() : time.GetUtcNow();
        await db.InTransactionAsync(
            async token =>
            {
                db.Record(fact);
                return await db.KeyRotations.Where(row => row.Layer == layer).ExecuteUpdateAsync(
                    set => set.SetProperty(row => row.RequestedAt, moment).SetProperty(row => row.FinishedAt, (DateTimeOffset?)null), token);
            },
            cancellationToken);
        signal.Raise();
    }

    public async Task<EncryptionState> ReadAsync(CancellationToken cancellationToken)
    {
        var rows = await db.KeyRotations.AsNoTracking().ToDictionaryAsync(row => row.Layer, cancellationToken);
        var (dataKeys, keyRing) = (rows[KeyLayer.DataKeys], rows[KeyLayer.KeyRing]);
        return new EncryptionState(
            rootKey.Fingerprint,
            new RotationProgress(
                dataKeys.RequestedAt, dataKeys.FinishedAt, await db.DataKeys.LongCountAsync(row => row.CreatedAt < dataKeys.RequestedAt, cancellationToken)),
            new RotationProgress(
                keyRing.RequestedAt, keyRing.FinishedAt, keyRing.RequestedAt is { } moment ? ring.CountBefore(moment) : 0));
    }
}
