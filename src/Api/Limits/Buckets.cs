using System.Threading.RateLimiting;

namespace Secrets.Api.Limits;

/// <summary>Token buckets with the capacity of one minute.</summary>
internal static class Buckets
{
    /// <summary>
    /// A bucket that gains one token at a time: a client past the limit waits for one token, not for the next minute. The partitioned limiter
    /// refills the buckets and removes those that stay full for some seconds.
    /// </summary>
    public static TokenBucketRateLimiterOptions PerMinute(int count) => new()
    {
        TokenLimit = count,
        TokensPerPeriod = 1,
        ReplenishmentPeriod = Interval(count),
        AutoReplenishment = false,
    };

    /// <summary>The time between two tokens.</summary>
    public static TimeSpan Interval(int countPerMinute) => TimeSpan.FromMinutes(1) / countPerMinute;
}
