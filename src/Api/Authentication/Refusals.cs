using Secrets.Api.Errors;
using Secrets.Api.Http;
using Secrets.Application.Common;
using Secrets.Domain.Audit;

namespace Secrets.Api.Authentication;

/// <summary>What follows from a refused credential: a row of the audit where somebody is known, but no more than a limit of them.</summary>
internal sealed class Refusals(IRefusalCounter counter, FailureHandler failures, IAuditLog audit, TimeProvider time)
{
    /// <summary>Answers a request whose refused credential is one too many, and writes nothing down.</summary>
    /// <returns>Whether the request is answered.</returns>
    public async Task<bool> AnswerIfTooManyAsync(HttpContext context, Refused refused)
    {
        if (counter.Count(context, refused) is not { } wait)
        {
            return false;
        }

        // Not in the audit and not in the log: both would be filled from outside.
        await failures.WriteAsync(context, FailureAnswer.TooMany(wait));
        return true;
    }

    /// <summary>Writes to the audit that a known user was refused.</summary>
    public Task RecordAsync(HttpContext context, Guid userId, Credential by)
    {
        var origin = context.Origin();
        var denial = new AuditEvent
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
        return audit.AppendAsync([denial], CancellationToken.None);
    }
}
