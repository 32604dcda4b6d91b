using System.Security.Cryptography;
using Secrets.Infrastructure.Encryption.Ring;
using Secrets.Infrastructure.Foundation;
using Secrets.Infrastructure.Persistence;
using Secrets.Infrastructure.Persistence.Rows;

namespace Secrets.Infrastructure.Audit;

/// <summary>The key that authenticates the audit's chains, in memory.</summary>
internal sealed class AuditKey
{
    private byte[]? _bytes;

    public ReadOnlySpan<byte> Bytes => _bytes ?? throw new InvalidOperationException("The audit key is not loaded yet.");

    public void Load(byte[] bytes) => _bytes = bytes;
}

/// <summary>Makes the audit key at the first start, and loads it at every later start.</summary>
internal sealed partial class AuditKeyLoader(SecretsDbContext db, AuditKey key, KeyRing ring, ILogger<AuditKeyLoader> logger)
{
    private const string Purpose = "Secrets.AuditKey";

    /// <summary>Makes the key and wraps it with the ring. The caller's transaction stores the row.</summary>
    public void Make(LoadedRing first)
    {
        var bytes = RandomNumberGenerator.GetBytes(AuditChain.KeySize);
        db.Add(new AuditKeyRow { Id = AuditKeyRow.OnlyId, Wrapped = first.Wrap(bytes, [Purpose]), Writers = 0, Mac = AuditChain.MacOfRegistry(bytes, 0) });
    }

    /// <summary>Loads the key and unwraps it with the ring.</summary>
    /// <exception cref="StartupException">The key is missing or does not unwrap.</exception>
    public async Task LoadAsync(LoadedRing verified, CancellationToken cancellationToken)
    {
        // Never replace a missing key: with a new key, an attacker could have the whole audit rewritten.
        var row = await FindAsync(cancellationToken)
            ?? throw new StartupException("The database has data, but not the key of its audit: somebody removed the row. Restore it from a backup.");
        var bytes = verified.Unwrap(row.Wrapped, [Purpose])
            ?? throw new StartupException("The key of the audit does not unwrap: the row in audit_keys or the key ring was changed outside the service.");
        key.Load(bytes);
        if (!CryptographicOperations.FixedTimeEquals(row.Mac, AuditChain.MacOfRegistry(bytes, row.Writers)))
        {
            RegistryChanged(row.Writers);
        }
    }

    /// <summary>Wraps the key again if the surviving ring keys do not open it.</summary>
    /// <returns>Whether the surviving keys opened it already.</returns>
    public async Task<bool> RewrapAsync(LoadedRing survivors, CancellationToken cancellationToken)
    {
        if (await FindAsync(cancellationToken) is not { } row)
        {
            return false;
        }

        var rewrapping = ring.Rewrap(row.Wrapped, survivors, Purpose);
        if (rewrapping.Wrapped is { } wrapped)
        {
            await db.AuditKeys.Where(other => other.Id == row.Id && other.Wrapped == row.Wrapped)
                .ExecuteUpdateAsync(set => set.SetProperty(other => other.Wrapped, wrapped), cancellationToken);
        }

        if (!rewrapping.IsSound)
        {
            Broken();
        }

        return rewrapping.IsDone;
    }

    private Task<AuditKeyRow?> FindAsync(CancellationToken cancellationToken) =>
        db.AuditKeys.AsNoTracking().SingleOrDefaultAsync(row => row.Id == AuditKeyRow.OnlyId, cancellationToken);

    [LoggerMessage(Level = LogLevel.Error, Message = "The number of audit writers, {Writers}, was changed outside the service. The audit does not verify")]
    private partial void RegistryChanged(long writers);

    [LoggerMessage(Level = LogLevel.Error, Message = "The stored audit key does not unwrap: it was changed outside the service. The next start will fail")]
    private partial void Broken();
}
