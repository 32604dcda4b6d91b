using Secrets.Domain.Audit;

namespace Secrets.Infrastructure.Persistence.Rows;

/// <summary>The key of the audit's chains, and how many chains there are.</summary>
internal sealed class AuditKeyRow
{
    /// <summary>There is one key.</summary>
    public const int OnlyId = 1;

    public required int Id { get; init; }

    /// <summary>The key, wrapped by the key ring: who reaches the database alone cannot chain rows anew.</summary>
    public required byte[] Wrapped { get; init; }

    /// <summary>The number of the last writer; the row is locked while one is added.</summary>
    public required long Writers { get; init; }

    /// <summary>See <see cref="AuditChain.MacOfRegistry"/>.</summary>
    public required byte[] Mac { get; init; }
}
