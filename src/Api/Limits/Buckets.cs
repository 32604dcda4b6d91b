using System.Threading.RateLimiting;

namespace Secrets.Api.Limits;

/// <summary>Token buckets that hold what one minute allows.</summary>
internal static class Buckets
{
    /// <summary>
    /// A bucket that is filled one by one: who has used it up waits for the next and not for the next minute. For a limiter of partitions, which
    /// fills its buckets itself and drops those that have been full for some seconds.
    /// </summary>
    public static TokenBucketRateLimiterOptions PerMinute(int count) => new()
    {
        TokenLimit = count,
        TokensPerPeriod = 1,
        ReplenishmentPeriod = Interval(count),
        AutoReplenishment = false,
    };

    /// <summary>The time in which one is filled in.</summary>
    public static TimeSpan Interval(int countPerMinute) => TimeSpan.FromMinutes(1) / countPerMinute;
}
