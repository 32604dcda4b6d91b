using System.Threading.RateLimiting;
using Microsoft.AspNetCore.RateLimiting;
using Secrets.Api.Authentication;
using Secrets.Api.Errors;

namespace Secrets.Api.Limits;

/// <summary>Marks an action that may answer with a long list. Such answers are written in pieces, and few of one user run at the same time.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class LongListAttribute : Attribute
{
    /// <summary>Whether the request's action is marked.</summary>
    public static bool IsAskedBy(HttpContext context) => context.GetEndpoint()?.Metadata.GetMetadata<LongListAttribute>() is not null;
}

/// <summary>Limits the concurrent lists of one user. Each list stays in memory until the client has read it.</summary>
internal sealed class ListLimit
{
    /// <summary>Requests of a user that may wait. They need hardly any memory.</summary>
    private const int MaxWaiting = 200;

    private readonly bool _isLimited;

    public ListLimit(IOptions<LimitOptions> limits, FailureHandler failures)
    {
        var atOnce = limits.Value.ListsPerUser;
        _isLimited = atOnce > 0;
        Options.RejectWith(failures);
        Options.GlobalLimiter = PartitionedRateLimiter.Create<HttpContext, Guid>(context => RateLimitPartition.GetConcurrencyLimiter(
            ((CallerPrincipal)context.User).Caller.UserId, _ => new ConcurrencyLimiterOptions { PermitLimit = atOnce, QueueLimit = MaxWaiting }));
    }

    /// <summary>Options for the middleware. The registered options belong to <see cref="CallerLimit"/>.</summary>
    public RateLimiterOptions Options { get; } = new();

    /// <summary>Whether the request has a limit.</summary>
    public bool Concerns(HttpContext context) => _isLimited && context.User is CallerPrincipal && LongListAttribute.IsAskedBy(context);
}
