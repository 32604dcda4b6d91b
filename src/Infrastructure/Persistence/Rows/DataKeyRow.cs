using Secrets.Domain.Secrets;

namespace Secrets.Infrastructure.Persistence.Rows;

/// <summary>A data key of an owner, wrapped by the key ring. New values are sealed with the one that the owner's account names, the only one that is not retired.</summary>
internal sealed class DataKeyRow
{
    public required Guid Id { get; init; }

    public required OwnerKind OwnerKind { get; init; }

    public required string OwnerId { get; init; }

    public required byte[] Wrapped { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>When it was replaced by another; null: it is the current one.</summary>
    public DateTimeOffset? RetiredAt { get; set; }
}
