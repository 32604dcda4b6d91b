using System.Threading.RateLimiting;
using Secrets.Application.Common;
using Secrets.Domain.Secrets;

namespace Secrets.Infrastructure.Transactions;

/// <summary>
/// Has the single writes of an owner wait for each other before they take a connection. The database makes them wait too, but each on a connection, of which the writes of one owner would soon have
/// all. Groups of creates (<see cref="OwnerTurns"/>) do not wait here: they are two at most, on connections of their own.
/// </summary>
internal sealed class OwnerQueue : IDisposable
{
    /// <summary>Writes of an owner that may wait; one more is refused. Each takes milliseconds, so the last one waits about a second.</summary>
    public const int MaxWaiting = 256;

    private readonly PartitionedRateLimiter<SecretOwner> _owners = PartitionedRateLimiter.Create<SecretOwner, SecretOwner>(
        owner => RateLimitPartition.GetConcurrencyLimiter(owner, _ => new ConcurrencyLimiterOptions { PermitLimit = 1, QueueLimit = MaxWaiting }));

    /// <summary>Waits for the owner's turn, which lasts until it is disposed of.</summary>
    /// <exception cref="UnavailableException">Too many wait.</exception>
    public async Task<IDisposable> TakeAsync(SecretOwner owner, CancellationToken cancellationToken)
    {
        var turn = await _owners.AcquireAsync(owner, cancellationToken: cancellationToken);
        return turn.IsAcquired ? turn : throw new UnavailableException();
    }

    public void Dispose() => _owners.Dispose();
}
