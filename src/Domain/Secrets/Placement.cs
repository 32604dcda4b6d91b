namespace Secrets.Domain.Secrets;

/// <summary>
/// Where a ciphertext belongs: everything about a secret's row that decides who gets its value. It is the associated data of the
/// envelope, so a value opens only in the place it was sealed for.
/// </summary>
public sealed record Placement(
    SecretOwner Owner,
    Guid SecretId,
    string Name,
    ToolBinding Binding,
    WorkspaceAccess Workspaces,
    int Version);
