using System.Threading.RateLimiting;
using Microsoft.AspNetCore.RateLimiting;
using Secrets.Api.Errors;

namespace Secrets.Api.Limits;

/// <summary>
/// Limits the requests of an address to the anonymous endpoints: the contract and its page. Health has no limit, because a refused probe
/// takes a replica out of service.
/// </summary>
internal sealed class AnonymousLimit
{
    /// <summary>Delay of a refusal, to slow down clients that ignore refusals. The limit of connections bounds the waiting requests.</summary>
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

    /// <summary>Options for the middleware. The registered options belong to <see cref="CallerLimit"/>.</summary>
    public RateLimiterOptions Options { get; } = new();
}
