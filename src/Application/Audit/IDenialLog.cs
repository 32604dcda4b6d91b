using Secrets.Application.Common;
using Secrets.Domain.Audit;

namespace Secrets.Application.Audit;

/// <summary>Writes refusals to the audit, at most so many a minute for each caller.</summary>
public interface IDenialLog
{
    /// <summary>Writes a refusal; it is durable when this returns.</summary>
    /// <param name="caller">Who was refused.</param>
    /// <param name="denial">The refusal.</param>
    /// <param name="preconditions">What it rests on.</param>
    /// <exception cref="TooManyDenialsException">It is only counted.</exception>
    /// <exception cref="UnauthenticatedException">The caller's key is no longer accepted; nothing was written.</exception>
    /// <exception cref="UnavailableException">It could not be written, or nobody knows whether it was.</exception>
    Task WriteAsync(RefusedCaller caller, AuditEvent denial, Preconditions preconditions);

    /// <summary>Counts a refusal that is answered without a row.</summary>
    void LeaveOut(RefusedCaller caller, AuditEvent denial);
}

/// <summary>Whose refusals are counted together.</summary>
/// <param name="UserId">The user that the credential acts for.</param>
/// <param name="IsAccepted">Whether the credential is accepted. Whoever has one that is not must not use up what the user's others have.</param>
/// <param name="ActsFor">The user whom the caller may name and named; null: none.</param>
public readonly record struct RefusedCaller(Guid UserId, bool IsAccepted, Guid? ActsFor);
