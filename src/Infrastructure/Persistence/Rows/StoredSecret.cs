using System.Data.Common;
using Secrets.Domain.Resolution;

namespace Secrets.Infrastructure.Persistence.Rows;

/// <summary>An untrusted row of <c>secrets</c> with its workspace grants.</summary>
internal sealed record StoredSecret
{
    /// <summary>The columns that <see cref="FromRow"/> reads, of a row s of <c>secrets</c>.</summary>
    public const string Columns =
        """
        s.id, s.name, s.name_key, s.description, s.tool_name, s.tool_arg, s.is_default_for_tool, s.tool_key, s.arg_key, s.pattern_arg_key,
        s.workspace_rule, s.envelope, s.display, s.size, s.version, s.created_at, s.created_by, s.updated_at, s.updated_by
        """;

    /// <summary>The number of columns in <see cref="Columns"/>.</summary>
    public const int ColumnCount = 19;

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

    /// <summary>Reads a row without its grants.</summary>
    /// <param name="row">The reader.</param>
    /// <param name="first">The number of the first column of <see cref="Columns"/>.</param>
    /// <param name="owner">The owner, by which the row was found.</param>
    /// <param name="readUuid">Reads a uuid as the database stores it.</param>
    /// <param name="readTiny">Reads an integer of the type that the database uses for 8 bits.</param>
    public static StoredSecret FromRow(DbDataReader row, int first, SecretOwner owner, Func<DbDataReader, int, Guid> readUuid, Func<DbDataReader, int, short> readTiny) => new()
    {
        Id = readUuid(row, first),
        Owner = owner,
        Name = row.GetString(first + 1),
        NameKey = row.GetFieldValue<byte[]>(first + 2),
        Description = row.GetString(first + 3),
        ToolName = row.Optional<string>(first + 4),
        ToolArg = row.Optional<string>(first + 5),
        IsDefaultForTool = row.GetBoolean(first + 6),
        ToolKey = row.Optional<byte[]>(first + 7),
        ArgKey = row.Optional<byte[]>(first + 8),
        PatternArgKey = row.Optional<byte[]>(first + 9),
        WorkspaceRule = readTiny(row, first + 10),
        Envelope = row.GetFieldValue<byte[]>(first + 11),
        Display = row.GetString(first + 12),
        Size = row.GetInt32(first + 13),
        Version = row.GetInt32(first + 14),
        CreatedAt = row.GetFieldValue<DateTimeOffset>(first + 15),
        CreatedBy = readUuid(row, first + 16),
        UpdatedAt = row.GetFieldValue<DateTimeOffset>(first + 17),
        UpdatedBy = readUuid(row, first + 18),
        Grants = [],
    };

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
