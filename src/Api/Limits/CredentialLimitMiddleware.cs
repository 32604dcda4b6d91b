using Microsoft.AspNetCore.Authentication;
using Secrets.Api.Authentication;
using Secrets.Api.Errors;

namespace Secrets.Api.Limits;

/// <summary>Queues the authentication of a request behind <see cref="CredentialLimit"/>, and records its result.</summary>
internal sealed class CredentialLimitMiddleware(RequestDelegate next, CredentialLimit limit, FailureHandler failures)
{
    public async Task InvokeAsync(HttpContext context)
    {
        if (HashOfCredentials(context) is not { } credentials)
        {
            await next(context);
            return;
        }

        using (var place = await limit.QueueAsync(context.Connection.RemoteIpAddress, credentials, context.RequestAborted))
        {
            if (place is { IsAcquired: false })
            {
                await failures.WriteAsync(context, FailureAnswer.TooMany(TimeSpan.FromSeconds(1)));
                return;
            }

            // The lease ends after authentication, not after the answer. UseAuthentication reuses this result.
            if ((await context.AuthenticateAsync()).Succeeded)
            {
                limit.NoteAccepted(credentials);
            }
        }

        await next(context);
        if (context.User is not CallerPrincipal)
        {
            limit.Forget(credentials);
        }
    }

    /// <summary>The hash of all credentials; null: none.</summary>
    private static int? HashOfCredentials(HttpContext context)
    {
        var (hash, count) = (default(HashCode), 0);
        foreach (var sent in CredentialHeaders.SentTo(context))
        {
            hash.Add(sent);
            count++;
        }

        return count > 0 ? hash.ToHashCode() : null;
    }
}
