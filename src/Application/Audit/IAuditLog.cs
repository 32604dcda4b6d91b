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
