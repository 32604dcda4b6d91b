using Secrets.Application.Common;

namespace Secrets.Application.Audit;

/// <summary>Writes audit events that belong to no other transaction.</summary>
public interface IAuditLog
{
    /// <summary>Writes events, at least one. They are durable when this returns.</summary>
    /// <exception cref="UnavailableException">The events could not be written, or the outcome is unknown.</exception>
    Task<AuditReceipt> AppendAsync(IReadOnlyList<AuditEvent> events, CancellationToken cancellationToken);

    /// <summary>
    /// Checks preconditions and writes events, possibly none, in one atomic step. Preconditions that hold then were true at a moment after the call began.
    /// </summary>
    /// <exception cref="UnauthenticatedException">The caller's key is no longer accepted; nothing was written.</exception>
    /// <exception cref="UnavailableException">The events could not be written, or the outcome is unknown.</exception>
    Task<AppendOutcome> AppendAsync(IReadOnlyList<AuditEvent> events, Preconditions preconditions, CancellationToken cancellationToken);
}

/// <summary>The outcome of an append with preconditions.</summary>
/// <param name="PreconditionsHold">False: an owner's secrets have changed, so nothing was written.</param>
/// <param name="Receipt">The position of the last event; null: nothing was written.</param>
public readonly record struct AppendOutcome(bool PreconditionsHold, AuditReceipt? Receipt);

/// <summary>The position of an event in the audit.</summary>
/// <param name="Writer">The chain's writer.</param>
/// <param name="Sequence">The row's number in that chain.</param>
/// <param name="Hash">The row's hash. A holder can prove later that no row up to this one was changed.</param>
public sealed record AuditReceipt(Guid Writer, long Sequence, byte[] Hash);

/// <summary>Writes denials to the audit, with a limit per minute for each caller.</summary>
public interface IDenialLog
{
    /// <summary>Writes a denial. The row is durable when this returns.</summary>
    /// <param name="caller">The refused caller.</param>
    /// <param name="denial">The denial.</param>
    /// <param name="preconditions">The cached data behind the denial.</param>
    /// <exception cref="TooManyDenialsException">Past the limit: the denial was only counted.</exception>
    /// <exception cref="UnauthenticatedException">The caller's key is no longer accepted; nothing was written.</exception>
    /// <exception cref="UnavailableException">The row could not be written, or the outcome is unknown.</exception>
    Task WriteAsync(RefusedCaller caller, AuditEvent denial, Preconditions preconditions);

    /// <summary>Counts a denial without a row.</summary>
    void LeaveOut(RefusedCaller caller, AuditEvent denial);
}

/// <summary>The denials that share a limit.</summary>
/// <param name="UserId">The user that the credential acts for.</param>
/// <param name="IsAccepted">Whether the credential is accepted. Refused credentials have a limit of their own and cannot exhaust the user's limit.</param>
/// <param name="NamedUser">The user that the request names; null: none.</param>
public readonly record struct RefusedCaller(Guid UserId, bool IsAccepted, Guid? NamedUser);

/// <summary>The cached data that an answer depends on. All of it is confirmed before the answer leaves.</summary>
/// <param name="Owners">Owners whose secrets came from the cache.</param>
/// <param name="Key">The caller's key if it came from the cache; else null.</param>
public sealed record Preconditions(IReadOnlyList<OwnerStamp> Owners, CachedKey? Key)
{
    /// <summary>Nothing came from a cache.</summary>
    public static readonly Preconditions None = new([], Key: null);
}

/// <summary>The state of an owner's secrets at a stamp and version (<see cref="Owner.Stamp"/>, <see cref="Owner.Version"/>).</summary>
public readonly record struct OwnerStamp(SecretOwner Owner, long Stamp, long Version);
