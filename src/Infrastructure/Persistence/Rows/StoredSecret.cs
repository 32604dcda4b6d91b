using Secrets.Domain.Resolution;
using Secrets.Domain.Secrets;

namespace Secrets.Infrastructure.Persistence.Rows;

/// <summary>An untrusted row of <c>secrets</c> with its workspace grants.</summary>
internal sealed record StoredSecret
{
    public required Guid Id { get; init; }

    public required SecretOwner Owner { get; init; }

    public required string Name { get; init; }

    public required byte[] NameKey { get; init; }

    public required string Description { get; init; }

    public required string? ToolName { get; init; }

    public required string? ToolArg { get; init; }

    public required bool IsDefaultForTool { get; init; }

    public required byte[]? ToolKey { get; init; }

    public required byte[]? ArgKey { get; init; }

    public required byte[]? PatternArgKey { get; init; }

    /// <summary>As wide as the column. Read as a byte, an edited 257 would become 1.</summary>
    public required short WorkspaceRule { get; init; }

    public required byte[] Envelope { get; init; }

    public required string Display { get; init; }

    public required int Size { get; init; }

    public required int Version { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }

    public required Guid CreatedBy { get; init; }

    public required DateTimeOffset UpdatedAt { get; init; }

    public required Guid UpdatedBy { get; init; }

    /// <summary>Sorted by number.</summary>
    public required IReadOnlyList<StoredGrant> Grants { get; init; }

    /// <summary>The row of an entity.</summary>
    public static StoredSecret FromEntity(Secret secret) => new()
    {
        Id = secret.Id,
        Owner = secret.Owner,
        Name = secret.Name,
        NameKey = secret.NameKey,
        Description = secret.Description,
        ToolName = secret.ToolName,
        ToolArg = secret.ToolArg,
        IsDefaultForTool = secret.IsDefaultForTool,
        ToolKey = secret.ToolKey,
        ArgKey = secret.ArgKey,
        PatternArgKey = secret.PatternArgKey,
        WorkspaceRule = (short)secret.WorkspaceRule,
        Envelope = secret.Envelope,
        Display = secret.Display,
        Size = secret.Size,
        Version = secret.Version,
        CreatedAt = secret.CreatedAt,
        CreatedBy = secret.CreatedBy,
        UpdatedAt = secret.UpdatedAt,
        UpdatedBy = secret.UpdatedBy,
        Grants = [.. secret.Grants.OrderBy(grant => grant.Number).Select(grant => new StoredGrant(grant.Number, grant.Workspace))],
    };

    /// <summary>Whether the lookup hashes match the name and the binding.</summary>
    public bool HasLookupHashesOf(Placement placement)
    {
        var same = Secret.Create(placement.Owner, placement.Name, Description, placement.Binding, placement.Workspaces, CreatedBy, CreatedAt);
        return IsSame(NameKey, same.NameKey) && IsSame(ToolKey, same.ToolKey) && IsSame(ArgKey, same.ArgKey) && IsSame(PatternArgKey, same.PatternArgKey);

        static bool IsSame(byte[]? one, byte[]? other) => one is null ? other is null : other is not null && one.AsSpan().SequenceEqual(other);
    }

    /// <summary>The candidate for selection, as trustworthy as the row.</summary>
    public Candidate ToCandidate() => new(
        new Placement(
            Owner,
            Id,
            Name,
            new ToolBinding(ToolName, ToolArg, IsDefaultForTool),
            new WorkspaceAccess((WorkspaceRule)WorkspaceRule, Grants.Select(grant => grant.Workspace)),
            Version),
        Envelope);
}

/// <summary>A row of <c>workspace_grants</c>.</summary>
internal readonly record struct StoredGrant(int Number, string Workspace);
