namespace Secrets.Domain.Resolution;

/// <summary>A call of a tool, as far as it decides which secrets fill its arguments.</summary>
/// <param name="ToolName">The tool. It is a name: a <c>*</c> in it is a character like any other.</param>
/// <param name="Arguments">The arguments that the call did not receive; null: every argument that has a default.</param>
/// <param name="References">Arguments that are to be filled from a secret of a given name.</param>
/// <param name="Workspace">The workspace of the organisation in which the tool is called; null: none.</param>
public sealed record ToolCall(
    string ToolName, IReadOnlyList<string>? Arguments, IReadOnlyDictionary<string, string> References, string? Workspace);
