using Secrets.Domain.Secrets;
using Secrets.Domain.Text;

namespace Secrets.Domain.Audit;

/// <summary>A row of the audit: an event at its position in the chain of one writer.</summary>
public sealed class AuditEntry
{
    private AuditEntry()
    {
    }

    /// <summary>An event at its position. <see cref="AuditChain"/> adds the hash.</summary>
    public AuditEntry(Guid writer, long sequence, AuditEvent auditEvent)
    {
        Writer = writer;
        Sequence = sequence;
        At = auditEvent.At;
        Actor = auditEvent.Actor;
        KeyId = auditEvent.By?.KeyId;
        TokenIssuer = TextLength.Cut(auditEvent.By?.Token?.Issuer, Credential.MaxNameLength);
        TokenSubject = TextLength.Cut(auditEvent.By?.Token?.Subject, Credential.MaxNameLength);
        Action = auditEvent.Action;
        Outcome = auditEvent.Outcome;
        OwnerKind = auditEvent.Owner?.Kind;
        OwnerId = auditEvent.Owner?.Id;
        OwnerVersion = auditEvent.OwnerVersion;
        SecretId = auditEvent.SecretId;
        SecretVersion = auditEvent.SecretVersion;
        TargetKeyId = auditEvent.TargetKeyId;
        TargetKeyUserId = auditEvent.TargetKeyUserId;
        ToolName = auditEvent.ToolName;
        ToolArg = auditEvent.ToolArg;
        Address = auditEvent.Address;
        AgentId = auditEvent.Context?.AgentId;
        RunId = auditEvent.Context?.RunId;
        ToolCallId = auditEvent.Context?.ToolCallId;
        RequestId = auditEvent.RequestId;
        ClientRequestId = auditEvent.ClientRequestId;
        LeftOut = auditEvent.LeftOut;
    }

    /// <summary>The writer whose chain contains the row.</summary>
    public Guid Writer { get; private init; }

    /// <summary>Position in the chain: 1, 2, 3 and so on without a gap.</summary>
    public long Sequence { get; private init; }

    /// <inheritdoc cref="AuditEvent.At" />
    public DateTimeOffset At { get; private init; }

    /// <inheritdoc cref="AuditEvent.Actor" />
    public Guid Actor { get; private init; }

    /// <inheritdoc cref="Credential.KeyId" />
    public Guid? KeyId { get; private init; }

    /// <inheritdoc cref="TokenName.Issuer" />
    public string? TokenIssuer { get; private init; }

    /// <inheritdoc cref="TokenName.Subject" />
    public string? TokenSubject { get; private init; }

    /// <inheritdoc cref="AuditEvent.Action" />
    public AuditAction Action { get; private init; }

    /// <inheritdoc cref="AuditEvent.Outcome" />
    public AuditOutcome Outcome { get; private init; }

    /// <inheritdoc cref="AuditEvent.Owner" />
    public OwnerKind? OwnerKind { get; private init; }

    /// <inheritdoc cref="AuditEvent.Owner" />
    public string? OwnerId { get; private init; }

    /// <inheritdoc cref="AuditEvent.OwnerVersion" />
    public long? OwnerVersion { get; private init; }

    /// <inheritdoc cref="AuditEvent.SecretId" />
    public Guid? SecretId { get; private init; }

    /// <inheritdoc cref="AuditEvent.SecretVersion" />
    public int? SecretVersion { get; private init; }

    /// <inheritdoc cref="AuditEvent.TargetKeyId" />
    public Guid? TargetKeyId { get; private init; }

    /// <inheritdoc cref="AuditEvent.TargetKeyUserId" />
    public Guid? TargetKeyUserId { get; private init; }

    /// <inheritdoc cref="AuditEvent.ToolName" />
    public string? ToolName { get; private init; }

    /// <inheritdoc cref="AuditEvent.ToolArg" />
    public string? ToolArg { get; private init; }

    /// <inheritdoc cref="AuditEvent.Address" />
    public string? Address { get; private init; }

    /// <inheritdoc cref="CallContext.AgentId" />
    public string? AgentId { get; private init; }

    /// <inheritdoc cref="CallContext.RunId" />
    public string? RunId { get; private init; }

    /// <inheritdoc cref="CallContext.ToolCallId" />
    public string? ToolCallId { get; private init; }

    /// <inheritdoc cref="AuditEvent.RequestId" />
    public string? RequestId { get; private init; }

    /// <inheritdoc cref="AuditEvent.ClientRequestId" />
    public string? ClientRequestId { get; private init; }

    /// <inheritdoc cref="AuditEvent.LeftOut" />
    public int? LeftOut { get; private init; }

    /// <summary>Covers this row and, through the previous hash, all rows before it: <see cref="AuditChain"/>.</summary>
    public byte[] Hash { get; internal set; } = [];
}
