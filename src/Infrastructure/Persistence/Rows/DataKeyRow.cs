namespace Secrets.Infrastructure.Persistence.Rows;

/// <summary>A data key of an owner, wrapped by the key ring. The owner's account names the current key, the only one that is not retired.</summary>
internal sealed class DataKeyRow
{
    public required Guid Id { get; init; }

    public required OwnerKind OwnerKind { get; init; }

    public required string OwnerId { get; init; }

    public required byte[] Wrapped { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>When the key was replaced; null for the current key.</summary>
    public DateTimeOffset? RetiredAt { get; set; }
}
