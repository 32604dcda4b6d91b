namespace Secrets.Domain.Secrets;

/// <summary>
/// The columns of a secret's row that decide who gets its value. The placement is the associated data of the
/// envelope: the envelope opens only for the placement that it was sealed for.
/// </summary>
public sealed record Placement(
    SecretOwner Owner,
    Guid SecretId,
    string Name,
    ToolBinding Binding,
    WorkspaceAccess Workspaces,
    int Version);
