using System.Threading.RateLimiting;
using Microsoft.AspNetCore.RateLimiting;
using Secrets.Api.Errors;

namespace Secrets.Api.Limits;

/// <summary>What is said to a request over a limit.</summary>
internal static class Rejections
{
    /// <summary>429, in the form of the dialect, with the time after which to try again.</summary>
    /// <param name="options">What the middleware is told.</param>
    /// <param name="failures">Writes it.</param>
    /// <param name="before">What the answer waits for; it ends when the client leaves.</param>
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
