namespace Secrets.Domain.Resolution;

/// <summary>The part of a tool call that decides which secrets fill its arguments.</summary>
/// <param name="ToolName">The name of the tool. A <c>*</c> is an ordinary character here.</param>
/// <param name="Arguments">The requested arguments; null: every argument that has a default.</param>
/// <param name="References">Arguments to fill from a secret of the given name.</param>
/// <param name="Workspace">The workspace in which the tool is called; null: none.</param>
public sealed record ToolCall(
    string ToolName, IReadOnlyList<string>? Arguments, IReadOnlyDictionary<string, string> References, string? Workspace);
