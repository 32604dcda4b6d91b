using Secrets.Infrastructure.Foundation;

namespace Secrets.Infrastructure.Integrity;

/// <summary>The lowest version that a read may have, and the seal of that version (<see cref="AccountSeals.NoncePrefixOf"/>).</summary>
internal readonly record struct VersionFloor(long Version, long NoncePrefix)
{
    /// <summary>Whether a row is a rollback: a lower version, or the same version with another seal.</summary>
    public bool IsRolledBack(long version, long noncePrefix) =>
        version < Version || (version == Version && noncePrefix != NoncePrefix && Version > 0);
}

/// <summary>The latest committed version of each holder that this process knows. A floor outlives the cached rows of its holder.</summary>
internal sealed class VersionFloors<THolder>
    where THolder : notnull
{
    // About 150 bytes per entry, in two generations.
    private readonly BoundedCache<THolder, VersionFloor> _floors = new(size: 200_000);

    /// <summary>The floor of a holder. Call this before the read: another thread may raise the floor during the read.</summary>
    public VersionFloor Find(THolder holder) => _floors.TryFind(holder, out var floor) ? floor : default;

    /// <summary>Raises the floor of a holder to a committed version.</summary>
    public void Raise(THolder holder, long version, byte[]? account)
    {
        // If two calls run at once, the lower version may stay. The audit still has the higher one, and the next read raises the floor.
        if (account is not null && version > Find(holder).Version)
        {
            _floors.Add(holder, new VersionFloor(version, AccountSeals.NoncePrefixOf(account)));
        }
    }
}
