using Secrets.Application.Encryption;

namespace Secrets.Infrastructure.Persistence.Rows;

/// <summary>That the keys of a layer are to be replaced, and whether they are.</summary>
internal sealed class KeyRotationRow
{
    public required KeyLayer Layer { get; init; }

    /// <summary>Keys that were made before are to be replaced.</summary>
    public required DateTimeOffset RequestedAt { get; set; }

    /// <summary>When none of those was left; null: not yet.</summary>
    public DateTimeOffset? FinishedAt { get; set; }
}
