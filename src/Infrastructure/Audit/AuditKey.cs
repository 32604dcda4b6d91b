using System.Security.Cryptography;
using Microsoft.EntityFrameworkCore;
using Secrets.Application.Common;
using Secrets.Domain.Audit;
using Secrets.Infrastructure.Encryption;
using Secrets.Infrastructure.Persistence;

namespace Secrets.Infrastructure.Audit;

/// <summary>The key of the audit's chains, and how many chains there are.</summary>
internal sealed class AuditKeyRow
{
    /// <summary>There is one key: with a fixed id, of several replicas that start at once on an empty database, one makes it.</summary>
    public const int OnlyId = 1;

    public required int Id { get; init; }

    /// <summary>The key, wrapped by the key ring: who reaches the database alone cannot chain rows anew.</summary>
    public required byte[] Wrapped { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>The number of the last writer; the row is locked while one is added.</summary>
    public required long Writers { get; init; }

    /// <summary>See <see cref="AuditChain.MacOfRegistry"/>.</summary>
    public required byte[] Mac { get; init; }
}

/// <summary>The audit's key in memory.</summary>
internal sealed class AuditKey
{
    private byte[]? _bytes;

    public ReadOnlySpan<byte> Bytes => _bytes ?? throw new InvalidOperationException("The audit's key is not loaded yet.");

    public void Load(byte[] bytes) => _bytes = bytes;
}

/// <summary>Loads the audit's key, and makes it where there is none.</summary>
internal sealed class AuditKeyLoader(SecretsDbContext db, AuditKey key, KeyRing ring, TimeProvider time)
{
    private const string Purpose = "Secrets.AuditKey";

    public async Task LoadAsync(CancellationToken cancellationToken)
    {
        var row = await FindAsync(cancellationToken) ?? await MakeAsync(cancellationToken);
        key.Load(ring.Unwrap(row.Wrapped, Purpose)
            ?? throw new StartupException("The key of the audit does not unwrap: its row or the key ring was changed outside the service."));
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

        return rewrapping.IsDone;
    }

    private Task<AuditKeyRow?> FindAsync(CancellationToken cancellationToken) =>
        db.AuditKeys.AsNoTracking().SingleOrDefaultAsync(row => row.Id == AuditKeyRow.OnlyId, cancellationToken);

    private async Task<AuditKeyRow> MakeAsync(CancellationToken cancellationToken)
    {
        // With a new key the audit could be written anew from its first row.
        if (await db.AuditWriters.AnyAsync(cancellationToken) || await db.Audit.AnyAsync(cancellationToken) || await db.Owners.AnyAsync(cancellationToken)
            || await db.ApiKeys.AnyAsync(cancellationToken))
        {
            // Another replica may have made it since this one looked, and went on.
            return await FindAsync(cancellationToken) ?? throw new StartupException("The database has data, but not the key of its audit: its row was removed outside the service. Restore it from a backup.");
        }

        var bytes = RandomNumberGenerator.GetBytes(AuditChain.KeySize);
        var made = new AuditKeyRow
        {
            Id = AuditKeyRow.OnlyId,
            Wrapped = ring.Wrap(bytes, Purpose),
            CreatedAt = time.GetUtcNow(),
            Writers = 0,
            Mac = AuditChain.MacOfRegistry(bytes, 0),
        };
        try
        {
            return await db.InTransactionAsync(_ => Task.FromResult(db.AuditKeys.Add(made).Entity), cancellationToken);
        }
        catch (UniqueViolationException)
        {
            // Another replica made it at the same moment: theirs is the key.
            return await FindAsync(cancellationToken) ?? throw new StartupException("The key of the audit came and went.");
        }
    }
}
