using System.Security.Cryptography;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Logging;
using Secrets.Domain.Audit;
using Secrets.Infrastructure.Encryption.Ring;
using Secrets.Infrastructure.Foundation;
using Secrets.Infrastructure.Persistence;
using Secrets.Infrastructure.Persistence.Rows;

namespace Secrets.Infrastructure.Audit;

/// <summary>Makes the audit's key at the first start, and loads it at every other.</summary>
internal sealed partial class AuditKeyLoader(SecretsDbContext db, AuditKey key, KeyRing ring, ILogger<AuditKeyLoader> logger)
{
    private const string Purpose = "Secrets.AuditKey";

    /// <summary>Makes the key, wrapped by this ring, to be stored by the caller's transaction.</summary>
    public void Make(LoadedRing first)
    {
        var bytes = RandomNumberGenerator.GetBytes(AuditChain.KeySize);
        db.Add(new AuditKeyRow { Id = AuditKeyRow.OnlyId, Wrapped = first.Wrap(bytes, [Purpose]), Writers = 0, Mac = AuditChain.MacOfRegistry(bytes, 0) });
    }

    /// <summary>Loads the key, which this ring unwraps.</summary>
    /// <exception cref="StartupException">It is not there, or does not unwrap.</exception>
    public async Task LoadAsync(LoadedRing verified, CancellationToken cancellationToken)
    {
        // With a new key the audit could be written anew from its first row.
        var row = await FindAsync(cancellationToken)
            ?? throw new StartupException("The database has data, but not the key of its audit: its row was removed outside the service. Restore it from a backup.");
        var bytes = verified.Unwrap(row.Wrapped, [Purpose])
            ?? throw new StartupException("The key of the audit does not unwrap: its row or the key ring was changed outside the service.");
        key.Load(bytes);
        if (!CryptographicOperations.FixedTimeEquals(row.Mac, AuditChain.MacOfRegistry(bytes, row.Writers)))
        {
            RegistryChanged(row.Writers);
        }
    }

    /// <summary>Wraps the key anew where these keys of the ring do not open it; whether they did.</summary>
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

    [LoggerMessage(Level = LogLevel.Error, Message = "The number of the audit's writers, {Writers}, was changed outside the service: the audit does not verify")]
    private partial void RegistryChanged(long writers);

    [LoggerMessage(Level = LogLevel.Error, Message = "The key of the audit in the database does not unwrap, so it was changed outside the service: the next start will be refused")]
    private partial void Broken();
}
