using Secrets.Application.Common;

namespace Secrets.Application.Audit;

/// <summary>Writes refusals to the audit, with a limit per minute for each caller.</summary>
public interface IDenialLog
{
    /// <summary>Writes a refusal. The row is durable when this returns.</summary>
    /// <param name="caller">The refused caller.</param>
    /// <param name="denial">The refusal.</param>
    /// <param name="preconditions">The cached data behind the refusal.</param>
    /// <exception cref="TooManyDenialsException">Past the limit: the refusal was only counted.</exception>
    /// <exception cref="UnauthenticatedException">The caller's key is no longer accepted; nothing was written.</exception>
    /// <exception cref="UnavailableException">The row could not be written, or the outcome is unknown.</exception>
    Task WriteAsync(RefusedCaller caller, AuditEvent denial, Preconditions preconditions);

    /// <summary>Counts a refusal without a row.</summary>
    void LeaveOut(RefusedCaller caller, AuditEvent denial);
}

/// <summary>The refusals that share a limit.</summary>
/// <param name="UserId">The user that the credential acts for.</param>
/// <param name="IsAccepted">Whether the credential is accepted. Refused credentials have a limit of their own and cannot exhaust the user's limit.</param>
/// <param name="ActsFor">The user whom the caller acts for; null: none.</param>
public readonly record struct RefusedCaller(Guid UserId, bool IsAccepted, Guid? ActsFor);
