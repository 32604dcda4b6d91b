using Secrets.Api.Errors;
using Secrets.Application.Audit;
using Secrets.Domain.Audit;

namespace Secrets.Api.Authentication;

/// <summary>Handles refused credentials: audits those of known users, and answers 429 past a limit.</summary>
internal sealed class RefusedCredentials(ICredentialLimit limit, FailureHandler failures, IDenialLog denials, TimeProvider time)
{
    /// <summary>Counts a refusal and audits it if a user is known. Past the limit, answers 429.</summary>
    /// <param name="context">The request.</param>
    /// <param name="refused">The refusal to count; null: no credential was sent.</param>
    /// <param name="known">The user of a credential, even if it is no longer accepted; null: not known.</param>
    /// <returns>Whether the request is answered.</returns>
    public async Task<bool> HandleAsync(HttpContext context, RefusedCredential? refused, KnownCredential? known)
    {
        var wait = refused is { } counted ? limit.Count(context, counted) : null;
        if (await AuditAsync(context, known, hasRow: wait is null) is { } tooMany)
        {
            await failures.WriteAsync(context, FailureAnswer.TooMany(tooMany));
            return true;
        }

        if (wait is { } left)
        {
            await failures.WriteAsync(context, FailureAnswer.TooMany(left));
        }

        return wait is not null;
    }

    /// <summary>Answers 429 because too many requests of the address wait.</summary>
    public Task AnswerTooManyAsync(HttpContext context) => failures.WriteAsync(context, FailureAnswer.TooMany(TimeSpan.FromSeconds(1)));

    private async Task<TooManyDenialsException?> AuditAsync(HttpContext context, KnownCredential? known, bool hasRow)
    {
        if (known is not { } one)
        {
            return null;
        }

        var (caller, denial) = (new RefusedCaller(one.User, IsAccepted: !one.IsRefused, NamedUser: null), DenialOf(context, one.User, one.By));
        if (!hasRow)
        {
            denials.LeaveOut(caller, denial);
            return null;
        }

        try
        {
            await denials.WriteAsync(caller, denial, Preconditions.None);
            return null;
        }
        catch (TooManyDenialsException tooMany)
        {
            return tooMany;
        }
    }

    private AuditEvent DenialOf(HttpContext context, Guid userId, Credential by)
    {
        var origin = context.Origin();
        return new AuditEvent
        {
            At = time.GetUtcNow(),
            Actor = userId,
            By = by,
            Action = AuditAction.Authenticate,
            Outcome = AuditOutcome.Denied,
            Address = origin.Address,
            RequestId = origin.RequestId,
            ClientRequestId = origin.ClientRequestId,
        };
    }
}
