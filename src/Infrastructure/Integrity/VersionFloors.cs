using Secrets.Infrastructure.Foundation;

namespace Secrets.Infrastructure.Integrity;

/// <summary>A version that was seen, and which of the boxes of that version (<see cref="AccountSeals.NoncePrefixOf"/>).</summary>
internal readonly record struct VersionFloor(long Version, long Mark)
{
    /// <summary>Whether what is read now is a rollback: a lower version, or the same version with another box.</summary>
    public bool IsRolledBack(long version, long mark) => version < Version || (version == Version && mark != Mark && Version > 0);
}

/// <summary>
/// The latest version of each holder that this process knows to be stored. It outlives what is cached of a holder. A version counts once its commit is known.
/// </summary>
internal sealed class VersionFloors<THolder>
    where THolder : notnull
{
    // About 150 bytes each, and up to two generations of them.
    private readonly BoundedCache<THolder, VersionFloor> _seen = new(size: 200_000);

    /// <summary>The latest version; before anything is read, because another thread may see a later one meanwhile.</summary>
    public VersionFloor Find(THolder holder) => _seen.TryFind(holder, out var seen) ? seen : default;

    /// <summary>Notes a version.</summary>
    public void Note(THolder holder, long version, byte[]? account)
    {
        // Two threads at once may leave the earlier of two: the audit and the next read have the later.
        if (account is not null && version > Find(holder).Version)
        {
            _seen.Add(holder, new VersionFloor(version, AccountSeals.NoncePrefixOf(account)));
        }
    }
}
