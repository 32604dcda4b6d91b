using Secrets.Application.Common;

namespace Secrets.Application.Audit;

/// <summary>The cached data that an answer depends on. All of it is confirmed before the answer leaves.</summary>
/// <param name="Owners">Owners whose secrets came from the cache.</param>
/// <param name="Key">The caller's key if it came from the cache; else null.</param>
public sealed record Preconditions(IReadOnlyList<OwnerStamp> Owners, CachedKey? Key)
{
    /// <summary>Nothing came from a cache.</summary>
    public static readonly Preconditions None = new([], Key: null);
}

/// <summary>The state of an owner's secrets at a stamp and version (<see cref="Owner.Stamp"/>, <see cref="Owner.Version"/>).</summary>
public readonly record struct OwnerStamp(SecretOwner Owner, long Stamp, long Version);
