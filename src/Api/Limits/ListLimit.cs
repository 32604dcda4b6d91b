using System.Threading.RateLimiting;
using Microsoft.AspNetCore.RateLimiting;
using Microsoft.Extensions.Options;
using Secrets.Api.Authentication;
using Secrets.Api.Errors;

namespace Secrets.Api.Limits;

/// <summary>Marks what may answer with a long list. A user has few of them under way, and they are written in pieces.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class LongAnswerAttribute : Attribute
{
    /// <summary>Whether a request asks for one.</summary>
    public static bool IsAskedBy(HttpContext context) => context.GetEndpoint()?.Metadata.GetMetadata<LongAnswerAttribute>() is not null;
}

/// <summary>How many long answers of one user are under way: each is in memory until its client has read it.</summary>
internal sealed class ListLimit
{
    /// <summary>Requests of a user that may wait until another is answered. They hold next to nothing.</summary>
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

    /// <summary>What the middleware is told. The registered options are those of <see cref="CallerLimit"/>.</summary>
    public RateLimiterOptions Options { get; } = new();

    /// <summary>Whether there is a limit for a request.</summary>
    public bool Concerns(HttpContext context) => _isLimited && context.User is CallerPrincipal && LongAnswerAttribute.IsAskedBy(context);
}
