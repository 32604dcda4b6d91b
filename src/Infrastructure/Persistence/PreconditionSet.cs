using Secrets.Application.Audit;

namespace Secrets.Infrastructure.Persistence;

/// <summary>Preconditions of the answers in one batch, each once: owners that have not changed, and API keys that are still accepted.</summary>
/// <param name="Owners">Owners by stamp and version. One owner can occur with several stamps.</param>
/// <param name="Keys">API keys.</param>
/// <param name="Now">The moment at which the keys must be accepted.</param>
internal sealed record PreconditionSet(IReadOnlyList<OwnerStamp> Owners, IReadOnlyList<KeyPrecondition> Keys, DateTimeOffset Now)
{
    /// <summary>No precondition: nothing came from a cache.</summary>
    public static readonly PreconditionSet None = new([], [], default);

    public bool IsEmpty => Owners.Count == 0 && Keys.Count == 0;
}

/// <summary>The key is still accepted, and its user's keys still have this version and stamp.</summary>
internal readonly record struct KeyPrecondition(Guid Id, Guid UserId, long Version, long Stamp);
