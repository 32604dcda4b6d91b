using Secrets.Domain.Text;

namespace Secrets.Domain.Secrets;

/// <summary>Which argument of which tools a secret fills, and whether it does so when nothing was given.</summary>
/// <param name="ToolName">The tool, or a pattern over tools (<see cref="ToolPattern"/>); null: bound to none.</param>
/// <param name="ToolArg">The argument's name; null: bound to none.</param>
/// <param name="IsDefault">Whether the secret fills the argument by itself.</param>
public sealed record ToolBinding(string? ToolName, string? ToolArg, bool IsDefault)
{
    /// <summary>Length of an argument's name.</summary>
    public static readonly TextLength ArgLength = new(1, 1024);

    /// <summary>A default must say what it is the default for: both the tool and the argument.</summary>
    public bool IsValid => !IsDefault || (ToolName is not null && ToolArg is not null);
}
