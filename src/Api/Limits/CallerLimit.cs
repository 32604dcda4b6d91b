using System.Threading.RateLimiting;
using Microsoft.AspNetCore.RateLimiting;
using Secrets.Api.Authentication;
using Secrets.Api.Errors;
using Secrets.Domain.ApiKeys;

namespace Secrets.Api.Limits;

/// <summary>Marks the action that runtimes call for each tool call. It has a limit of its own.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class LimitedAsResolveAttribute : Attribute;

/// <summary>Limits the requests of a user.</summary>
internal sealed class CallerLimit(IOptions<LimitOptions> options, FailureHandler failures) : IConfigureOptions<RateLimiterOptions>
{
    private readonly Rate _requests = new(options.Value.RequestsPerMinute);
    private readonly Rate _resolves = new(options.Value.ResolvesPerMinute);

    public void Configure(RateLimiterOptions options)
    {
        options.GlobalLimiter = PartitionedRateLimiter.Create<HttpContext, Key>(PartitionOf);
        options.RejectWith(failures);
    }

    /// <summary>Whether the request has a limit.</summary>
    public bool Concerns(HttpContext context) => context.User is CallerPrincipal && RateOf(context).IsLimited;

    // Callers without the scope count as ordinary requests: each refusal writes an audit row.
    private static bool IsResolve(HttpContext context) => context.GetEndpoint()?.Metadata.GetMetadata<LimitedAsResolveAttribute>() is not null
        && ((CallerPrincipal)context.User).Caller.Scopes.HasFlag(Scopes.SecretsResolve);

    private Rate RateOf(HttpContext context) => IsResolve(context) ? _resolves : _requests;

    private RateLimitPartition<Key> PartitionOf(HttpContext context) => RateLimitPartition.GetTokenBucketLimiter(
        new Key(((CallerPrincipal)context.User).Caller.UserId, IsResolve(context)), RateOf(context).Bucket);

    private readonly record struct Key(Guid User, bool IsResolve);

    private sealed class Rate(int perMinute)
    {
        public bool IsLimited => perMinute > 0;

        public Func<Key, TokenBucketRateLimiterOptions> Bucket { get; } = _ => Buckets.PerMinute(perMinute);
    }
}
