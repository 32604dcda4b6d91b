using Secrets.Infrastructure.Audit;
using Secrets.Infrastructure.Encryption.Ring;
using Secrets.Infrastructure.Foundation;
using Secrets.Infrastructure.Persistence;

namespace Secrets.Infrastructure.Encryption.RootKeys;

/// <summary>Makes or loads the keys below the root key at start: the integrity key, the key ring, and the audit key, which the ring wraps.</summary>
internal sealed class RootKeyContents(SecretsDbContext db, KeyStore store, KeyRing ring, IntegrityKeyWrapping integrityKeys, AuditKeyLoader auditKey)
{
    /// <summary>
    /// Makes all keys for an empty database, in the transaction that plants the canary. A committed state without keys could be restored by an attacker later.
    /// </summary>
    /// <exception cref="StartupException">The database is not empty.</exception>
    public async Task MakeAsync(CancellationToken cancellationToken)
    {
        await RequireEmptyAsync(cancellationToken);
        var (key, wrapped) = integrityKeys.Make(1);
        var first = ring.WithNewKey(KeyRecords.Initial(key, wrapped), out _);
        KeyStore.Initialize(db, first);
        auditKey.Make(ring.Open(first));
    }

    /// <summary>Verifies that a database without the row of its root key has no other rows.</summary>
    /// <exception cref="StartupException">It has rows.</exception>
    public async Task RequireEmptyAsync(CancellationToken cancellationToken)
    {
        if (await db.IntegrityKeys.AnyAsync(cancellationToken)
            || await db.KeyState.AnyAsync(cancellationToken)
            || await db.KeyRing.AnyAsync(cancellationToken)
            || await db.KeyRotations.AnyAsync(cancellationToken)
            || await db.DataKeys.AnyAsync(cancellationToken)
            || await db.ApiKeys.AnyAsync(cancellationToken)
            || await db.KeyAccounts.AnyAsync(cancellationToken)
            || await db.Owners.AnyAsync(cancellationToken)
            || await db.Secrets.AnyAsync(cancellationToken)
            || await db.AuditKeys.AnyAsync(cancellationToken)
            || await db.AuditWriters.AnyAsync(cancellationToken)
            || await db.Audit.AnyAsync(cancellationToken))
        {
            throw new StartupException("The database has data, but not the row of its root key: that row was removed outside the service. Restore it from a backup.");
        }
    }

    /// <summary>Verifies and loads all keys, and re-encrypts those under the previous root key. The caller's transaction must have locked the canary.</summary>
    /// <param name="requireRootKey">Throws if this process has no root key with this fingerprint.</param>
    /// <param name="cancellationToken">Cancels the start.</param>
    /// <returns>The rows, and how many were re-encrypted.</returns>
    /// <exception cref="StartupException">A row was changed outside the service.</exception>
    public async Task<(KeyRecords Records, int Moved)> LoadAsync(Action<string> requireRootKey, CancellationToken cancellationToken)
    {
        try
        {
            var (records, moved) = store.MoveToRootKey(db, requireRootKey);

            // The audit key is loaded before the commit, because the commit writes an audit row.
            await auditKey.LoadAsync(ring.Open(records), cancellationToken);
            return (records, moved);
        }
        catch (TamperedException exception)
        {
            throw new StartupException($"The database was changed outside the service. {exception.Message}", exception);
        }
        catch (ConflictException exception)
        {
            throw new StartupException(exception.Message, exception);
        }
    }
}
