using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using Microsoft.Extensions.Options;

namespace Secrets.Client;

/// <summary>Adds the credential to each request.</summary>
internal sealed class CredentialHandler(IOptions<SecretsClientOptions> options) : DelegatingHandler
{
    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var credential = options.Value.TokenProvider is { } provider
            ? await provider(cancellationToken).ConfigureAwait(false)
            : options.Value.ApiKey!;
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", credential);
        return await base.SendAsync(request, cancellationToken).ConfigureAwait(false);
    }
}

/// <summary>
/// Retries calls. The service refuses with 429 before it does any work, so every call is retried after 429. After 503 or a broken
/// connection the service may have executed the call, so only repeatable calls are retried.
/// </summary>
internal sealed class RetryHandler(IOptions<SecretsClientOptions> options, TimeProvider time) : DelegatingHandler
{
    private static readonly TimeSpan FirstDelay = TimeSpan.FromMilliseconds(200);

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        for (var attempt = 0; ; attempt++)
        {
            var isLast = attempt >= options.Value.MaxRetries;
            TimeSpan delay;
            try
            {
                var response = await base.SendAsync(request, cancellationToken).ConfigureAwait(false);
                delay = RetryAfterHeader.Read(response.Headers) ?? Backoff(attempt);
                if (isLast || !IsRetryable(response.StatusCode, request) || delay > options.Value.MaxRetryDelay)
                {
                    return response;
                }

                response.Dispose();
            }
            catch (HttpRequestException) when (!isLast && IsRepeatable(request))
            {
                delay = Backoff(attempt);
            }

            await Task.Delay(delay, time, cancellationToken).ConfigureAwait(false);
        }
    }

    private static bool IsRetryable(HttpStatusCode status, HttpRequestMessage request) =>
        status is HttpStatusCode.TooManyRequests || (status is HttpStatusCode.ServiceUnavailable && IsRepeatable(request));

    /// <summary>Reads, deletes, and the two queries that use POST to keep their content out of URLs.</summary>
    private static bool IsRepeatable(HttpRequestMessage request) =>
        request.Method == HttpMethod.Get
        || request.Method == HttpMethod.Delete
        || (request.Method == HttpMethod.Post
            && request.RequestUri!.AbsolutePath is var path
            && (path.EndsWith("/secrets/resolve", StringComparison.Ordinal) || path.EndsWith("/secrets/resolve/explain", StringComparison.Ordinal)));

    /// <summary>Doubles with each attempt. The random factor keeps clients that failed together from retrying together.</summary>
    private TimeSpan Backoff(int attempt)
    {
        var delay = FirstDelay * (1 << attempt) * (0.5 + (RandomNumberGenerator.GetInt32(1001) / 1000.0));
        return delay < options.Value.MaxRetryDelay ? delay : options.Value.MaxRetryDelay;
    }
}
