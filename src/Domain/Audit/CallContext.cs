namespace Secrets.Domain.Audit;

/// <summary>What a runtime says of the call for which it asks, in its own words. Nothing is decided by it.</summary>
/// <param name="AgentId">The agent.</param>
/// <param name="RunId">The agent's run.</param>
/// <param name="ToolCallId">The call of a tool in that run.</param>
public sealed record CallContext(string? AgentId, string? RunId, string? ToolCallId)
{
    /// <summary>The longest of each, in characters, which are ASCII.</summary>
    public const int MaxLength = 128;
}
