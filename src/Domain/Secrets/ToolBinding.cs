using Secrets.Domain.Text;

namespace Secrets.Domain.Secrets;

/// <summary>The argument of the tools that a secret fills, and whether the secret is the default.</summary>
/// <param name="ToolName">The tool or a pattern (<see cref="ToolPattern"/>); null: bound to no tool.</param>
/// <param name="ToolArg">The argument; null: bound to no argument.</param>
/// <param name="IsDefault">Whether the secret fills the argument of a call that names no secret for it.</param>
public sealed record ToolBinding(string? ToolName, string? ToolArg, bool IsDefault)
{
    /// <summary>Length of an argument's name.</summary>
    public static readonly TextLength ArgLength = new(1, 1024);

    /// <summary>A default needs both a tool and an argument.</summary>
    public bool IsValid => !IsDefault || (ToolName is not null && ToolArg is not null);
}
