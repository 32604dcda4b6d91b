using System.Net;
using System.Threading.RateLimiting;
using Microsoft.Extensions.Options;
using Secrets.Api.Authentication;

namespace Secrets.Api.Limits;

/// <summary>
/// How many credentials may be refused to an address. Every credential is judged first, so a valid one never pays for those of its neighbours: past the
/// limit a refusal is answered with 429. It is not logged and has no row in the audit; if its user is known, it is counted there. Judging costs a part of a look-up for many requests at
/// once; an address past the limit gets only few of those at a time, so that its guesses do not crowd out others.
/// </summary>
internal sealed class RefusalLimit(IOptions<LimitOptions> options) : IRefusalCounter, IDisposable
{
    /// <summary>Credentials of an address past the limit that are judged at the same time. The others wait in line.</summary>
    private const int JudgedAtOnce = 4;

    /// <summary>Requests of such an address that may wait in line: more than it can have connections, as a rule.</summary>
    private const int MaxWaiting = 10_000;

    private const int AcceptedSlots = 1 << 16;

    private readonly Bucket? _ofAddress = Bucket.PerMinute(options.Value.FailedAuthenticationsPerMinute);

    private readonly Bucket? _ofCredential = options.Value.FailedAuthenticationsPerMinute > 0 ? Bucket.PerMinute(options.Value.FailuresPerCredentialPerMinute) : null;

    private readonly PartitionedRateLimiter<int> _line = PartitionedRateLimiter.Create<int, int>(partition => RateLimitPartition.GetConcurrencyLimiter(
        partition, _ => new ConcurrencyLimiterOptions { PermitLimit = JudgedAtOnce, QueueLimit = MaxWaiting }));

    // What was accepted lately. A number of 32 bits under a key of this process: enough, because whatever it lets through is then checked as ever.
    private readonly int[] _accepted = new int[AcceptedSlots];

    /// <summary>
    /// Waits until credentials may be judged; null: at once. Those that were accepted lately never wait, so that one who shares an address
    /// with others, behind a proxy or a carrier's NAT, is not slowed down by them.
    /// </summary>
    /// <param name="address">Where they come from; null: not from a network.</param>
    /// <param name="credentials">Their hash.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The place, to be left when they are judged. Not acquired: too many wait.</returns>
    public async ValueTask<RateLimitLease?> QueueAsync(IPAddress? address, int credentials, CancellationToken cancellationToken)
    {
        var partition = Network.FromAddress(address).Partition;
        return _ofAddress is null || !_ofAddress.IsEmpty(partition) || Volatile.Read(ref Slot(credentials)) == credentials
            ? null
            : await _line.AcquireAsync(partition, cancellationToken: cancellationToken);
    }

    public void NoteAccepted(int credentials)
    {
        ref var slot = ref Slot(credentials);
        if (Volatile.Read(ref slot) != credentials)
        {
            Volatile.Write(ref slot, credentials);
        }
    }

    /// <summary>Has credentials that were accepted and are no more wait like any others.</summary>
    public void Forget(int credentials) => Interlocked.CompareExchange(ref Slot(credentials), 0, credentials);

    /// <inheritdoc />
    public TimeSpan? Count(HttpContext context, Refused refused)
    {
        var network = Network.FromAddress(context.Connection.RemoteIpAddress);

        // First by its name: a client that tries one wrong credential over and over does not use up what its address has.
        if (_ofCredential is not null && refused.Name is not null && !_ofCredential.TryTake(HashCode.Combine(network, refused) & (Network.MaxPartitions - 1)))
        {
            return _ofCredential.Wait;
        }

        var isCounted = _ofCredential is not null && refused.IsGenuine;
        return _ofAddress is null || isCounted || _ofAddress.TryTake(network.Partition) ? null : _ofAddress.Wait;
    }

    public void Dispose()
    {
        _ofAddress?.Dispose();
        _ofCredential?.Dispose();
        _line.Dispose();
    }

    private ref int Slot(int credentials) => ref _accepted[credentials & (AcceptedSlots - 1)];

    /// <summary>A bucket for each of <see cref="Network.MaxPartitions"/>, as long as it is not full.</summary>
    private sealed class Bucket(int perMinute) : IDisposable
    {
        private readonly PartitionedRateLimiter<int> _buckets = PartitionedRateLimiter.Create<int, int>(
            partition => RateLimitPartition.GetTokenBucketLimiter(partition, _ => Buckets.PerMinute(perMinute)));

        /// <summary>Null: no limit.</summary>
        public static Bucket? PerMinute(int count) => count > 0 ? new Bucket(count) : null;

        public TimeSpan Wait { get; } = Buckets.Interval(perMinute);

        public bool IsEmpty(int partition) => _buckets.GetStatistics(partition)!.CurrentAvailablePermits == 0;

        public bool TryTake(int partition)
        {
            using var lease = _buckets.AttemptAcquire(partition);
            return lease.IsAcquired;
        }

        public void Dispose() => _buckets.Dispose();
    }
}
