using Secrets.Domain.Secrets;

namespace Secrets.Domain.Resolution;

/// <summary>A secret that may fill an argument: its placement and its sealed value.</summary>
public sealed class Candidate
{
    /// <summary>A candidate from a stored row.</summary>
    /// <param name="placement">The placement that the envelope was sealed for.</param>
    /// <param name="envelope">The sealed value.</param>
    public Candidate(Placement placement, ReadOnlyMemory<byte> envelope)
    {
        Placement = placement;
        Envelope = envelope;
        Pattern = placement.Binding.ToolName is { } pattern ? new ToolPattern(pattern) : null;
    }

    /// <summary>The columns that decide who gets the value.</summary>
    public Placement Placement { get; }

    /// <summary>The sealed value.</summary>
    public ReadOnlyMemory<byte> Envelope { get; }

    /// <summary>The tools that the secret is bound to; null: no tool.</summary>
    public ToolPattern? Pattern { get; }

    /// <summary>Whether the pattern matches a tool. A secret that is bound to no tool matches every tool.</summary>
    public bool Matches(string toolName) => Pattern?.Matches(toolName) != false;

    /// <summary>Whether the secret may be used in a workspace; null: in a call without a workspace.</summary>
    public bool Admits(string? workspace) => Placement.Workspaces.Admits(workspace);

    /// <summary>Whether the secret may serve a call: its tool and its workspace.</summary>
    public bool Serves(ToolCall call) => Matches(call.ToolName) && Admits(call.Workspace);

    /// <summary>The rank among the defaults of the same argument.</summary>
    /// <exception cref="InvalidOperationException">The secret is bound to no tool, so it is no default.</exception>
    public Precedence Precedence => new(
        Placement.Owner.Kind, Pattern ?? throw new InvalidOperationException("A secret that is not bound to tools is no default."));
}
