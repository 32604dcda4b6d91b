using System.Threading.RateLimiting;
using Microsoft.AspNetCore.RateLimiting;
using Microsoft.Extensions.Options;
using Secrets.Api.Errors;

namespace Secrets.Api.Limits;

/// <summary>
/// How many requests an address may send to what is served without a credential: the contract and its page. Health has no limit, because a probe that is
/// refused takes a replica out of service.
/// </summary>
internal sealed class AnonymousLimit
{
    /// <summary>How long a refusal takes: a client that ignores refusals would have the processor write them all day. An address has a share of the connections, so few requests wait.</summary>
    private static readonly TimeSpan RefusalTime = TimeSpan.FromMilliseconds(500);

    public AnonymousLimit(IOptions<LimitOptions> limits, FailureHandler failures, TimeProvider time)
    {
        var perMinute = limits.Value.AnonymousPerMinute;
        IsLimited = perMinute > 0;
        Options.RejectWith(failures, aborted => Task.Delay(RefusalTime, time, aborted));
        Options.GlobalLimiter = PartitionedRateLimiter.Create<HttpContext, int>(context => RateLimitPartition.GetTokenBucketLimiter(
            Network.FromAddress(context.Connection.RemoteIpAddress).Partition, _ => Buckets.PerMinute(perMinute)));
    }

    public bool IsLimited { get; }

    /// <summary>What the middleware is told. The registered options are those of <see cref="CallerLimit"/>.</summary>
    public RateLimiterOptions Options { get; } = new();
}
