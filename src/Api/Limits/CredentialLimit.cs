using System.Net;
using System.Threading.RateLimiting;
using Secrets.Api.Authentication;

namespace Secrets.Api.Limits;

/// <summary>
/// Limits the refused credentials of each address. Every credential is checked before it is counted, so a valid one is refused only if
/// <see cref="MaxWaiting"/> requests of its address wait already. Past the limit, a refused credential gets 429 without a log line or an audit row; the audit
/// then has only the number of those of known users. Past the limit, four credentials of an address are checked at a time, so that its guesses do not slow
/// down others.
/// </summary>
internal sealed class CredentialLimit(IOptions<LimitOptions> options) : ICredentialLimit, IDisposable
{
    /// <summary>Concurrent checks of an address past the limit. Its other requests wait.</summary>
    private const int MaxConcurrentChecks = 4;

    /// <summary>The most requests of such an address that wait. Usually the limit of connections per address is reached first.</summary>
    private const int MaxWaiting = 10_000;

    private const int AcceptedSlots = 1 << 16;

    private readonly PartitionedBuckets? _ofAddress = PartitionedBuckets.PerMinute(options.Value.FailedAuthenticationsPerMinute);
    private readonly PartitionedBuckets? _ofCredential =
        options.Value.FailedAuthenticationsPerMinute > 0 ? PartitionedBuckets.PerMinute(options.Value.FailuresPerCredentialPerMinute) : null;

    private readonly PartitionedRateLimiter<int> _queues = PartitionedRateLimiter.Create<int, int>(partition => RateLimitPartition.GetConcurrencyLimiter(
        partition, _ => new ConcurrencyLimiterOptions { PermitLimit = MaxConcurrentChecks, QueueLimit = MaxWaiting }));

    // Hashes of recently accepted credentials. 32 bits suffice: a collision skips only the queue, and the credential is still checked.
    private readonly int[] _accepted = new int[AcceptedSlots];

    public async ValueTask<RateLimitLease?> QueueAsync(IPAddress? address, int credentials, CancellationToken cancellationToken)
    {
        // Most credentials were accepted before. The bucket comes last, because reading it takes a lock.
        if (_ofAddress is null || Volatile.Read(ref Slot(credentials)) == credentials)
        {
            return null;
        }

        var partition = Network.FromAddress(address).Partition;
        return _ofAddress.IsEmpty(partition) ? await _queues.AcquireAsync(partition, cancellationToken: cancellationToken) : null;
    }

    public void NoteAccepted(int credentials)
    {
        ref var slot = ref Slot(credentials);
        if (Volatile.Read(ref slot) != credentials)
        {
            Volatile.Write(ref slot, credentials);
        }
    }

    public void Forget(int credentials) => Interlocked.CompareExchange(ref Slot(credentials), 0, credentials);

    public TimeSpan? Count(HttpContext context, RefusedCredential refused)
    {
        var network = Network.FromAddress(context.Connection.RemoteIpAddress);

        // The limit of the credential comes first: a client that repeats one wrong credential soon no longer uses up the limit of its address.
        if (_ofCredential is not null && refused.Name is not null && !_ofCredential.TryTake(HashCode.Combine(network, refused) & (Network.MaxPartitions - 1)))
        {
            return _ofCredential.Wait;
        }

        // A genuine credential counts for its user at this address, not for the address: nobody can invent many.
        var needsNoAddressToken = _ofCredential is not null && refused.IsGenuine;
        return _ofAddress is null || needsNoAddressToken || _ofAddress.TryTake(network.Partition) ? null : _ofAddress.Wait;
    }

    public void Dispose()
    {
        _ofAddress?.Dispose();
        _ofCredential?.Dispose();
        _queues.Dispose();
    }

    private ref int Slot(int credentials) => ref _accepted[credentials & (AcceptedSlots - 1)];

    /// <summary>One bucket for each of <see cref="Network.MaxPartitions"/> partitions. Full buckets are removed.</summary>
    private sealed class PartitionedBuckets(int perMinute) : IDisposable
    {
        private readonly PartitionedRateLimiter<int> _buckets = PartitionedRateLimiter.Create<int, int>(
            partition => RateLimitPartition.GetTokenBucketLimiter(partition, _ => Buckets.PerMinute(perMinute)));

        /// <summary>Null: no limit.</summary>
        public static PartitionedBuckets? PerMinute(int count) => count > 0 ? new PartitionedBuckets(count) : null;

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
