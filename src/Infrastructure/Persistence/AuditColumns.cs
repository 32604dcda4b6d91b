namespace Secrets.Infrastructure.Persistence;

/// <summary>The columns of <c>audit</c> without writer and sequence. The statements and parameters of every database follow from this list.</summary>
internal static class AuditColumns
{
    public static readonly IReadOnlyList<SentColumn<AuditEntry>> All =
    [
        new SentColumn<AuditEntry, DateTimeOffset>("at", ColumnKind.Moment, entry => entry.At),
        new SentColumn<AuditEntry, Guid>("actor", ColumnKind.Uuid, entry => entry.Actor),
        new SentColumn<AuditEntry, Guid?>("key_id", ColumnKind.Uuid, entry => entry.KeyId, IsOptional: true),
        new SentColumn<AuditEntry, string?>("token_issuer", ColumnKind.Text, entry => entry.TokenIssuer, IsOptional: true),
        new SentColumn<AuditEntry, string?>("token_subject", ColumnKind.Text, entry => entry.TokenSubject, IsOptional: true),
        new SentColumn<AuditEntry, short>("action", ColumnKind.Small, entry => (short)entry.Action),
        new SentColumn<AuditEntry, short>("outcome", ColumnKind.Small, entry => (short)entry.Outcome),
        new SentColumn<AuditEntry, short?>("owner_kind", ColumnKind.Small, entry => (short?)entry.OwnerKind, IsOptional: true),
        new SentColumn<AuditEntry, string?>("owner_id", ColumnKind.Text, entry => entry.OwnerId, IsOptional: true),
        new SentColumn<AuditEntry, long?>("owner_version", ColumnKind.Large, entry => entry.OwnerVersion, IsOptional: true),
        new SentColumn<AuditEntry, Guid?>("secret_id", ColumnKind.Uuid, entry => entry.SecretId, IsOptional: true),
        new SentColumn<AuditEntry, int?>("secret_version", ColumnKind.Number, entry => entry.SecretVersion, IsOptional: true),
        new SentColumn<AuditEntry, Guid?>("target_key_id", ColumnKind.Uuid, entry => entry.TargetKeyId, IsOptional: true),
        new SentColumn<AuditEntry, Guid?>("target_key_user_id", ColumnKind.Uuid, entry => entry.TargetKeyUserId, IsOptional: true),
        new SentColumn<AuditEntry, string?>("tool_name", ColumnKind.Text, entry => entry.ToolName, IsOptional: true),
        new SentColumn<AuditEntry, string?>("tool_arg", ColumnKind.Text, entry => entry.ToolArg, IsOptional: true),
        new SentColumn<AuditEntry, string?>("address", ColumnKind.Text, entry => entry.Address, IsOptional: true),
        new SentColumn<AuditEntry, string?>("agent_id", ColumnKind.Text, entry => entry.AgentId, IsOptional: true),
        new SentColumn<AuditEntry, string?>("run_id", ColumnKind.Text, entry => entry.RunId, IsOptional: true),
        new SentColumn<AuditEntry, string?>("tool_call_id", ColumnKind.Text, entry => entry.ToolCallId, IsOptional: true),
        new SentColumn<AuditEntry, string?>("request_id", ColumnKind.Text, entry => entry.RequestId, IsOptional: true),
        new SentColumn<AuditEntry, string?>("client_request_id", ColumnKind.Text, entry => entry.ClientRequestId, IsOptional: true),
        new SentColumn<AuditEntry, int?>("left_out", ColumnKind.Number, entry => entry.LeftOut, IsOptional: true),
        new SentColumn<AuditEntry, byte[]>("hash", ColumnKind.Hash, entry => entry.Hash),
    ];
}
