namespace Secrets.Domain.Secrets;

/// <summary>The workspaces of an organisation that may use a secret. The numbers are stored and sealed: never renumber.</summary>
public enum WorkspaceRule : byte
{
    /// <summary>Every workspace, and calls without a workspace. A user's own secrets always have this rule.</summary>
    All = 1,

    /// <summary>Only the workspaces listed.</summary>
    Some = 2,

    /// <summary>No workspace.</summary>
    None = 3,
}

/// <summary>The names of rules in requests and answers.</summary>
public static class WorkspaceRuleNames
{
    private static readonly (WorkspaceRule Rule, string Name)[] Table =
        [(WorkspaceRule.All, "ALL"), (WorkspaceRule.Some, "SOME"), (WorkspaceRule.None, "NONE")];

    /// <summary>Every name, in a fixed order.</summary>
    public static IReadOnlyList<string> All { get; } = [.. Table.Select(row => row.Name)];

    /// <summary>The name of a rule.</summary>
    public static string For(WorkspaceRule rule) => Array.Find(Table, row => row.Rule == rule).Name;

    /// <summary>The rule of that name; null: unknown.</summary>
    public static WorkspaceRule? Parse(string name)
    {
        var row = Array.Find(Table, row => string.Equals(row.Name, name, StringComparison.Ordinal));
        return row.Name is null ? null : row.Rule;
    }
}
