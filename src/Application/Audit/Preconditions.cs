using Secrets.Application.Common;
using Secrets.Domain.Secrets;

namespace Secrets.Application.Audit;

/// <summary>What an answer rests on that was remembered and not read for it.</summary>
/// <param name="Owners">Owners whose secrets were remembered.</param>
/// <param name="Key">The caller's key, if that was.</param>
public sealed record Preconditions(IReadOnlyList<OwnerStamp> Owners, CachedKey? Key)
{
    /// <summary>Nothing was remembered.</summary>
    public static readonly Preconditions None = new([], Key: null);
}

/// <summary>An owner's secrets as they were when the owner's stamp and version were these (<see cref="Owner.Stamp"/>, <see cref="Owner.Version"/>).</summary>
public readonly record struct OwnerStamp(SecretOwner Owner, long Stamp, long Version);
