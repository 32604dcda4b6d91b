namespace Secrets.Infrastructure.Persistence.Rows;

/// <summary>The key of the audit chains, and the number of chains.</summary>
internal sealed class AuditKeyRow
{
    /// <summary>The only id.</summary>
    public const int OnlyId = 1;

    public required int Id { get; init; }

    /// <summary>The key, wrapped by the key ring, so that an attacker with only the database cannot compute chains.</summary>
    public required byte[] Wrapped { get; init; }

    /// <summary>The number of the last writer. The row is locked while a writer is added.</summary>
    public required long Writers { get; init; }

    /// <summary>See <see cref="AuditChain.MacOfRegistry"/>.</summary>
    public required byte[] Mac { get; init; }
}
