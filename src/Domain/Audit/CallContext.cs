namespace Secrets.Domain.Audit;

/// <summary>A runtime's own description of a tool call, for the audit. No decision depends on it.</summary>
/// <param name="AgentId">The agent.</param>
/// <param name="RunId">The agent's run.</param>
/// <param name="ToolCallId">The call of a tool in that run.</param>
public sealed record CallContext(string? AgentId, string? RunId, string? ToolCallId)
{
    /// <summary>The longest member, in ASCII characters.</summary>
    public const int MaxLength = 128;
}
