using Secrets.Application.Audit;
using Secrets.Domain.Resolution;
using Secrets.Domain.Secrets;

namespace Secrets.Application.Resolution;

/// <summary>Where the secrets that may fill a tool call are found. What is read is never older than the question.</summary>
public interface IResolutionStore
{
    /// <summary>
    /// Those of an owner's secrets that decide how a call is filled. There may be more in the answer; what an unknown owner has is empty.
    /// </summary>
    /// <param name="owner">The owner.</param>
    /// <param name="call">The call.</param>
    /// <param name="mayUseCache">Whether the answer may be one that has to be confirmed before anything that it leads to leaves.</param>
    /// <param name="cancellationToken">Gives up.</param>
    ValueTask<FoundCandidates> FindAsync(SecretOwner owner, ToolCall call, bool mayUseCache, CancellationToken cancellationToken);

    /// <summary>
    /// All of an owner's defaults, and the secrets that a call refers to: what it takes to say why the others are not chosen.
    /// </summary>
    Task<OwnerCandidates> ReadAllAsync(SecretOwner owner, ToolCall call, CancellationToken cancellationToken);
}

/// <summary>What may fill a tool call, and how it was found.</summary>
/// <param name="Candidates">The candidates.</param>
/// <param name="Precondition">What has to be confirmed because this was remembered; null: it was read.</param>
public readonly record struct FoundCandidates(OwnerCandidates Candidates, OwnerStamp? Precondition);
