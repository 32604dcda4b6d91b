namespace Secrets.Domain.Secrets;

/// <summary>Which workspaces of an organisation may use its secret. The numbers are stored and sealed: never renumber.</summary>
public enum WorkspaceRule : byte
{
    /// <summary>Every workspace, and use without one. A user's own secrets always have this rule.</summary>
    All = 1,

    /// <summary>Only the workspaces listed.</summary>
    Some = 2,

    /// <summary>No workspace.</summary>
    None = 3,
}
