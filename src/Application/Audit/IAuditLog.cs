using Secrets.Application.Common;
using Secrets.Domain.Audit;

namespace Secrets.Application.Audit;

/// <summary>The audit, for what has no transaction of its own.</summary>
public interface IAuditLog
{
    /// <summary>Writes events, at least one; they are durable when this returns.</summary>
    /// <exception cref="UnavailableException">They could not be written, or nobody knows whether they were.</exception>
    Task<AuditReceipt> AppendAsync(IReadOnlyList<AuditEvent> events, CancellationToken cancellationToken);

    /// <summary>
    /// Writes events, or none, provided that what they rest on still holds at the moment of writing. It is asked and written in one step: what holds
    /// then was true at a moment after the call began.
    /// </summary>
    /// <exception cref="UnauthenticatedException">The caller's key is no longer accepted; nothing was written.</exception>
    /// <exception cref="UnavailableException">They could not be written, or nobody knows whether they were.</exception>
    Task<AppendOutcome> AppendAsync(IReadOnlyList<AuditEvent> events, Preconditions preconditions, CancellationToken cancellationToken);
}

/// <summary>Whether what was remembered still held.</summary>
/// <param name="PreconditionsHold">If not, nothing was written: the secrets of an owner have changed.</param>
/// <param name="Receipt">Where the audit has the events; null: nothing was written.</param>
public readonly record struct AppendOutcome(bool PreconditionsHold, AuditReceipt? Receipt);

/// <summary>Where in the audit the last of some events is.</summary>
/// <param name="Writer">Whose chain.</param>
/// <param name="Sequence">Its place in that chain.</param>
/// <param name="Hash">Its hash: whoever keeps it can tell later that nothing up to there was changed.</param>
public sealed record AuditReceipt(Guid Writer, long Sequence, byte[] Hash);
