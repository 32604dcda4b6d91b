using System.Threading.RateLimiting;
using Microsoft.AspNetCore.RateLimiting;
using Secrets.Api.Errors;

namespace Secrets.Api.Limits;

/// <summary>What is said to a request over a limit.</summary>
internal static class Rejections
{
    /// <summary>429, in the form of the dialect, with the time after which to try again.</summary>
    public static void RejectWith(this RateLimiterOptions options, FailureHandler failures) => options.OnRejected = (rejected, _) => new ValueTask(
        failures.WriteAsync(
            rejected.HttpContext,
            FailureAnswer.TooMany(rejected.Lease.TryGetMetadata(MetadataName.RetryAfter, out var wait) ? wait : TimeSpan.Zero)));
}
