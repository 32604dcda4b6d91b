using Secrets.Application.Encryption;

namespace Secrets.Infrastructure.Persistence.Rows;

/// <summary>The last rotation of a layer.</summary>
internal sealed class KeyRotationRow
{
    public required KeyLayer Layer { get; init; }

    /// <summary>Keys made before this moment are replaced.</summary>
    public required DateTimeOffset RequestedAt { get; set; }

    /// <summary>When the last of these keys was removed; null before that.</summary>
    public DateTimeOffset? FinishedAt { get; set; }
}
