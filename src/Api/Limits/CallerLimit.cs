using System.Threading.RateLimiting;
using Microsoft.AspNetCore.RateLimiting;
using Microsoft.Extensions.Options;
using Secrets.Api.Authentication;
using Secrets.Api.Errors;

namespace Secrets.Api.Limits;

/// <summary>Marks what a runtime does for each call of a tool, and which therefore has a limit of its own.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class LimitedAsResolveAttribute : Attribute;

/// <summary>How many requests a user may send.</summary>
internal sealed class CallerLimit(IOptions<LimitOptions> options, FailureHandler failures) : IConfigureOptions<RateLimiterOptions>
{
    private static readonly Key Unlimited = new(Guid.Empty, IsResolve: false);

    private readonly Rate _requests = new(options.Value.RequestsPerMinute);
    private readonly Rate _resolves = new(options.Value.ResolvesPerMinute);

    public void Configure(RateLimiterOptions options)
    {
        options.GlobalLimiter = PartitionedRateLimiter.Create<HttpContext, Key>(PartitionOf);
        options.OnRejected = (rejected, _) => new ValueTask(failures.WriteAsync(
            rejected.HttpContext,
            FailureAnswer.TooMany(rejected.Lease.TryGetMetadata(MetadataName.RetryAfter, out var wait) ? wait : TimeSpan.Zero)));
    }

    private RateLimitPartition<Key> PartitionOf(HttpContext context)
    {
        var isResolve = context.GetEndpoint()?.Metadata.GetMetadata<LimitedAsResolveAttribute>() is not null;
        var rate = isResolve ? _resolves : _requests;

        // All that is unlimited is one partition: a limiter that never refuses is never dropped either.
        return context.User is CallerPrincipal { Caller.UserId: var user } && rate.IsLimited
            ? RateLimitPartition.GetTokenBucketLimiter(new Key(user, isResolve), rate.Bucket)
            : RateLimitPartition.GetNoLimiter(Unlimited);
    }

    private readonly record struct Key(Guid User, bool IsResolve);

    private sealed class Rate(int perMinute)
    {
        public bool IsLimited => perMinute > 0;

        public Func<Key, TokenBucketRateLimiterOptions> Bucket { get; } = _ => Buckets.PerMinute(perMinute);
    }
}
