using System.Net;
using System.Threading.RateLimiting;
using Microsoft.Extensions.Options;

namespace Secrets.Api.Limits;

/// <summary>
/// How many credentials may be refused to an address before any other from there has to wait, unlooked at. Guessing a key is hopeless anyway:
/// this bounds what guesses cost (a query each) and what they write into log and audit.
/// </summary>
internal sealed class RefusalLimit(IOptions<LimitOptions> options) : IDisposable
{
    private const int AcceptedSlots = 1 << 16;

    private readonly PartitionedRateLimiter<IPAddress?>? _refusals = Limiter(options.Value.FailedAuthenticationsPerMinute);

    private readonly TimeSpan _wait = options.Value.FailedAuthenticationsPerMinute is > 0 and var rate ? Buckets.Interval(rate) : TimeSpan.Zero;

    // What was accepted lately. A number of 32 bits under a key of this process: enough, because whatever it lets through is then checked as ever.
    private readonly int[] _accepted = new int[AcceptedSlots];

    /// <summary>
    /// How long these credentials have to wait; null: not at all. Those that were accepted lately never wait, so that one who shares an address
    /// with others, behind a proxy or a carrier's NAT, cannot lock them out.
    /// </summary>
    /// <param name="address">Where they come from; null: not from a network.</param>
    /// <param name="credentials">Their hash.</param>
    public TimeSpan? WaitOf(IPAddress? address, int credentials) =>
        _refusals is null || Volatile.Read(ref Slot(credentials)) == credentials || _refusals.GetStatistics(address)!.CurrentAvailablePermits > 0 ? null : _wait;

    public void NoteAccepted(int credentials)
    {
        ref var slot = ref Slot(credentials);
        if (Volatile.Read(ref slot) != credentials)
        {
            Volatile.Write(ref slot, credentials);
        }
    }

    public void NoteRefused(IPAddress? address, int credentials)
    {
        Interlocked.CompareExchange(ref Slot(credentials), 0, credentials);
        _refusals?.AttemptAcquire(address).Dispose();
    }

    public void Dispose() => _refusals?.Dispose();

    private ref int Slot(int credentials) => ref _accepted[credentials & (AcceptedSlots - 1)];

    private static PartitionedRateLimiter<IPAddress?>? Limiter(int perMinute) => perMinute == 0
        ? null
        : PartitionedRateLimiter.Create<IPAddress?, int>(
            address => RateLimitPartition.GetTokenBucketLimiter(Network.Of(address).Partition, _ => Buckets.PerMinute(perMinute)));
}
