using Secrets.Api.Errors;
using Secrets.Api.Http;
using Secrets.Application.Common;
using Secrets.Domain.Audit;

namespace Secrets.Api.Authentication;

/// <summary>What follows from a refused credential: a row of the audit where somebody is known, but no more than a limit of them.</summary>
internal sealed class Refusals(IRefusalCounter counter, FailureHandler failures, IDenialLog denials, TimeProvider time)
{
    /// <summary>Writes to the audit that a known user was refused; or answers a request that is one too many, and leaves nothing but a count.</summary>
    /// <param name="context">The request.</param>
    /// <param name="refused">What refusals are counted by; null: no credential was sent.</param>
    /// <param name="known">Whom a credential stands for, or would if it were still accepted; null: nobody is known.</param>
    /// <returns>Whether the request is answered.</returns>
    public async Task<bool> AnswerIfTooManyAsync(HttpContext context, Refused? refused, (Guid User, Credential By)? known)
    {
        var denial = known is { } one ? DenialOf(context, one.User, one.By) : null;
        if (refused is { } counted && counter.Count(context, counted) is { } wait)
        {
            if (denial is not null)
            {
                denials.LeaveOut(CounterOf(denial), denial);
            }

            await failures.WriteAsync(context, FailureAnswer.TooMany(wait));
            return true;
        }

        if (denial is null)
        {
            return false;
        }

        try
        {
            await denials.WriteAsync(CounterOf(denial), denial, Grounds.None);
            return false;
        }
        catch (TooManyDenialsException tooMany)
        {
            await failures.WriteAsync(context, FailureAnswer.TooMany(tooMany.Wait));
            return true;
        }
    }

    // By the key: whoever has one that was revoked must not use up what its user has.
    private static Guid CounterOf(AuditEvent denial) => denial.By?.KeyId ?? denial.Actor;

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
