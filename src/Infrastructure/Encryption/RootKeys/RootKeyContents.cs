using Microsoft.EntityFrameworkCore;
using Secrets.Application.Common;
using Secrets.Infrastructure.Audit;
using Secrets.Infrastructure.Encryption.Ring;
using Secrets.Infrastructure.Foundation;
using Secrets.Infrastructure.Persistence;

namespace Secrets.Infrastructure.Encryption.RootKeys;

/// <summary>What is below the root key, at the start: the integrity key, the key ring, and the audit's key, which the ring wraps.</summary>
internal sealed class RootKeyContents(SecretsDbContext db, KeyStore store, KeyRing ring, IntegrityKeyWrapping integrityKeys, AuditKeyLoader auditKey)
{
    /// <summary>
    /// Makes all of them, for an empty database and in the transaction that plants the canary: there never is a state without them that somebody could put back.
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

    /// <summary>
    /// Verifies and loads all of them, and encrypts under the current root key what is still under the one before it. Only in a transaction that has locked the canary.
    /// </summary>
    /// <param name="require">Sees that something under the root key with this fingerprint can be opened.</param>
    /// <param name="cancellationToken">The start's.</param>
    /// <returns>The rows, and how many were encrypted anew.</returns>
    /// <exception cref="StartupException">Something was changed outside the service.</exception>
    public async Task<(KeyRecords Records, int Moved)> LoadAsync(Action<string> require, CancellationToken cancellationToken)
    {
        try
        {
            var (records, moved) = store.MoveToRootKey(db, require);

            // Before the end of the transaction: it has a row of the audit.
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

    private async Task RequireEmptyAsync(CancellationToken cancellationToken)
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
            throw new StartupException("The database has data, but not the row of its root key: it was removed outside the service. Restore it from a backup.");
        }
    }
}
