using Secrets.Domain.Secrets;

namespace Secrets.Domain.Resolution;

/// <summary>A secret that may fill an argument: what decides whether it does, and its value, sealed.</summary>
public sealed class Candidate
{
    /// <summary>A candidate from what is stored.</summary>
    /// <param name="placement">The row; its envelope opens for nothing else.</param>
    /// <param name="envelope">The sealed value.</param>
    public Candidate(Placement placement, byte[] envelope)
    {
        Placement = placement;
        Envelope = envelope;
        Pattern = placement.Binding.ToolName is { } pattern ? new ToolPattern(pattern) : null;
    }

    /// <summary>The row.</summary>
    public Placement Placement { get; }

    /// <summary>The sealed value.</summary>
    public byte[] Envelope { get; }

    /// <summary>The tools that it is bound to; null: to none.</summary>
    public ToolPattern? Pattern { get; }

    /// <summary>Whether it may serve a tool: one that its pattern matches, or any when it is not bound to tools.</summary>
    public bool Matches(string toolName) => Pattern?.Matches(toolName) != false;

    /// <summary>Whether it may be used in a workspace; null: outside of all.</summary>
    public bool Admits(string? workspace) => Placement.Workspaces.Admits(workspace);

    /// <summary>Whether it may serve a tool call at all.</summary>
    public bool Serves(ToolCall call) => Matches(call.ToolName) && Admits(call.Workspace);

    /// <summary>Its place among the defaults of its argument.</summary>
    /// <exception cref="InvalidOperationException">It is not bound to tools, so it is no default.</exception>
    public Precedence Precedence => new(
        Placement.Owner.Kind, Pattern ?? throw new InvalidOperationException("A secret that is not bound to tools is no default."));
}
