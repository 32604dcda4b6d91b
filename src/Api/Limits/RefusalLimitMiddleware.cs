using Secrets.Api.Authentication;
using Secrets.Api.Errors;

namespace Secrets.Api.Limits;

/// <summary>Goes before authentication, and notes what became of it.</summary>
internal sealed class RefusalLimitMiddleware(RequestDelegate next, RefusalLimit limit, FailureHandler failures)
{
    public async Task InvokeAsync(HttpContext context)
    {
        if (HashOfCredentials(context) is not { } credentials)
        {
            await next(context);
            return;
        }

        var address = context.Connection.RemoteIpAddress;
        if (limit.WaitOf(address, credentials) is { } wait)
        {
            // Not in the audit: it would be filled from outside, and nobody was refused anything yet.
            await failures.WriteAsync(context, FailureAnswer.TooMany(wait));
            return;
        }

        var isAnswered = false;
        try
        {
            await next(context);
            isAnswered = true;
        }
        finally
        {
            // What a use case refuses leaves as an exception, and who came with it was accepted all the same. Where there is neither caller nor answer, nobody
            // was refused: the database may be gone.
            if (context.User is CallerPrincipal)
            {
                limit.NoteAccepted(credentials);
            }
            else if (isAnswered)
            {
                limit.NoteRefused(address, credentials);
            }
        }
    }

    /// <summary>Of all that is sent as a credential; null: nothing is.</summary>
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
