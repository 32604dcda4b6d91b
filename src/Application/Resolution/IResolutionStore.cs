using Secrets.Application.Audit;
using Secrets.Domain.Resolution;

namespace Secrets.Application.Resolution;

/// <summary>Finds the secrets that may fill a tool call. Data read from the database is never older than the call.</summary>
public interface IResolutionStore
{
    /// <summary>An owner's secrets that decide how a call is filled. The result may contain others too. It is empty for an unknown owner.</summary>
    /// <param name="owner">The owner.</param>
    /// <param name="call">The call.</param>
    /// <param name="mayUseCache">Whether cached secrets may be used. Then <see cref="FoundCandidates.Precondition"/> must be confirmed before any answer leaves.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    ValueTask<FoundCandidates> FindAsync(SecretOwner owner, ToolCall call, bool mayUseCache, CancellationToken cancellationToken);

    /// <summary>All defaults of an owner and the secrets that a call names: an explanation covers the losers too.</summary>
    Task<OwnerCandidates> ReadAllAsync(SecretOwner owner, ToolCall call, CancellationToken cancellationToken);
}

/// <summary>The secrets that may fill a tool call.</summary>
/// <param name="Candidates">The candidates.</param>
/// <param name="Precondition">The state to confirm if the secrets came from the cache; null: read from the database.</param>
public readonly record struct FoundCandidates(OwnerCandidates Candidates, OwnerStamp? Precondition);
