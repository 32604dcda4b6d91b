using System.Threading.RateLimiting;

namespace Secrets.Infrastructure.Transactions;

/// <summary>
/// Serializes the single writes of an owner before they take a connection. A lock in the database would serialize them too, but each waiting write would hold
/// a connection, and one owner could exhaust the pool. Groups of creates (<see cref="OwnerGroupTurns"/>) bypass this queue: few of them run at once, on
/// connections of their own.
/// </summary>
internal sealed class OwnerWriteQueue : IDisposable
{
    /// <summary>Writes of an owner that may wait. Further writes are refused. A write takes milliseconds, so the last one waits about a second.</summary>
    public const int MaxWaiting = 256;

    private readonly PartitionedRateLimiter<SecretOwner> _owners = PartitionedRateLimiter.Create<SecretOwner, SecretOwner>(
        owner => RateLimitPartition.GetConcurrencyLimiter(owner, _ => new ConcurrencyLimiterOptions { PermitLimit = 1, QueueLimit = MaxWaiting }));

    /// <summary>Waits for the owner's turn. The turn ends when the result is disposed.</summary>
    /// <exception cref="UnavailableException">The queue of the owner is full.</exception>
    public async Task<IDisposable> TakeAsync(SecretOwner owner, CancellationToken cancellationToken)
    {
        var turn = await _owners.AcquireAsync(owner, cancellationToken: cancellationToken);
        return turn.IsAcquired ? turn : throw new UnavailableException();
    }

    public void Dispose() => _owners.Dispose();
}
