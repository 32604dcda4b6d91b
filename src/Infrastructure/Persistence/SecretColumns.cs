namespace Secrets.Infrastructure.Persistence;

/// <summary>All columns of <c>secrets</c>, as a create fills them. The statements and parameters of every database follow from this list.</summary>
internal static class SecretColumns
{
    public static readonly IReadOnlyList<Column<Secret>> All =
    [
        new SentColumn<Secret, Guid>("id", ColumnKind.Uuid, secret => secret.Id),
        new SentColumn<Secret, short>("owner_kind", ColumnKind.Tiny, secret => (short)secret.OwnerKind),
        new SentColumn<Secret, string>("owner_id", ColumnKind.Text, secret => secret.OwnerId),
        new SentColumn<Secret, string>("name", ColumnKind.Text, secret => secret.Name),
        new SentColumn<Secret, byte[]>("name_key", ColumnKind.Hash, secret => secret.NameKey),
        new SentColumn<Secret, string?>("tool_name", ColumnKind.Text, secret => secret.ToolName, IsOptional: true),
        new SentColumn<Secret, string?>("tool_arg", ColumnKind.Text, secret => secret.ToolArg, IsOptional: true),
        new SentColumn<Secret, bool>("is_default_for_tool", ColumnKind.Flag, secret => secret.IsDefaultForTool),
        new SentColumn<Secret, byte[]?>("tool_key", ColumnKind.Hash, secret => secret.ToolKey, IsOptional: true),
        new SentColumn<Secret, byte[]?>("arg_key", ColumnKind.Hash, secret => secret.ArgKey, IsOptional: true),
        new SentColumn<Secret, byte[]?>("pattern_arg_key", ColumnKind.Hash, secret => secret.PatternArgKey, IsOptional: true),
        new SentColumn<Secret, short>("workspace_rule", ColumnKind.Tiny, secret => (short)secret.WorkspaceRule),
        new SentColumn<Secret, byte[]>("envelope", ColumnKind.Bytes, secret => secret.Envelope),
        new SentColumn<Secret, string>("display", ColumnKind.Text, secret => secret.Display),
        new SentColumn<Secret, int>("size", ColumnKind.Number, secret => secret.Size),
        new LiteralColumn<Secret>("version", "1"),
        new SentColumn<Secret, DateTimeOffset>("created_at", ColumnKind.Moment, secret => secret.CreatedAt),
        new SentColumn<Secret, Guid>("created_by", ColumnKind.Uuid, secret => secret.CreatedBy),
        new CopiedColumn<Secret>("updated_at", "created_at"),
        new CopiedColumn<Secret>("updated_by", "created_by"),
        new SentColumn<Secret, string>("description", ColumnKind.Text, secret => secret.Description),
    ];
}
