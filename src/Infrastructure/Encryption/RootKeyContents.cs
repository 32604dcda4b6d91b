using Microsoft.EntityFrameworkCore;
using Secrets.Infrastructure.Integrity;
using Secrets.Infrastructure.Persistence;

namespace Secrets.Infrastructure.Encryption;

/// <summary>What is encrypted under the root key besides the canary: the integrity key and the key ring.</summary>
internal sealed class RootKeyContents(SecretsDbContext db, IntegrityKeyLoader integrityKey, KeyRingStore store, RingKeys keys, TimeProvider time)
{
    /// <summary>
    /// Makes both, for an empty database and in the transaction that plants the canary. The first key of the ring is among them, so there never is a state of an empty ring that somebody
    /// could put back.
    /// </summary>
    /// <exception cref="StartupException">The database is not empty.</exception>
    public async Task MakeAsync(CancellationToken cancellationToken)
    {
        await RequireEmptyAsync(cancellationToken);
        integrityKey.Make();
        var (name, xml, _) = keys.Make([], time.GetUtcNow());
        store.Found(db, name, xml);
    }

    /// <summary>
    /// Loads the integrity key, verifies the key ring, and encrypts under the current root key what is still under the one before it. Only in a transaction that has locked the canary.
    /// </summary>
    /// <param name="require">Sees that something under the root key with this fingerprint can be opened.</param>
    /// <param name="cancellationToken">The start's.</param>
    /// <returns>The ring, and how many entries were encrypted anew.</returns>
    /// <exception cref="StartupException">Something was changed outside the service.</exception>
    public async Task<(KeyRingRecords Ring, int Moved)> LoadAsync(Action<string> require, CancellationToken cancellationToken)
    {
        var movedKeys = await integrityKey.LoadAsync(cancellationToken);
        try
        {
            var (ring, movedEntries) = store.MoveToRootKey(db, require);
            return (ring, movedKeys + movedEntries);
        }
        catch (TamperedException exception)
        {
            throw new StartupException($"The database was changed outside the service. {exception.Message}", exception);
        }
    }

    private async Task RequireEmptyAsync(CancellationToken cancellationToken)
    {
        if (await db.IntegrityKeys.AnyAsync(cancellationToken)
            || await db.IntegrityStates.AnyAsync(cancellationToken)
            || await db.KeyRing.AnyAsync(cancellationToken)
            || await db.DataKeys.AnyAsync(cancellationToken)
            || await db.ApiKeys.AnyAsync(cancellationToken)
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
