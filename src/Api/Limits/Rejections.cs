using System.Threading.RateLimiting;
using Microsoft.AspNetCore.RateLimiting;
using Secrets.Api.Errors;

namespace Secrets.Api.Limits;

/// <summary>Answers requests past a limit.</summary>
internal static class Rejections
{
    /// <summary>Answers 429 in the form of the dialect, with Retry-After.</summary>
    /// <param name="options">The options of the middleware.</param>
    /// <param name="failures">Writes the answer.</param>
    /// <param name="before">A delay before the answer, cancelled when the client disconnects.</param>
    public static void RejectWith(this RateLimiterOptions options, FailureHandler failures, Func<CancellationToken, Task>? before = null) => options.OnRejected = async (rejected, aborted) =>
    {
        if (before is not null)
        {
            await before(aborted);
        }

        await failures.WriteAsync(
            rejected.HttpContext,
            FailureAnswer.TooMany(rejected.Lease.TryGetMetadata(MetadataName.RetryAfter, out var wait) ? wait : TimeSpan.Zero));
    };
}
