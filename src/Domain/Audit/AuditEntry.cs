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
    public AuditEntry(Guid writer, long sequence, AuditEvent fact)
    {
        Writer = writer;
        Sequence = sequence;
        At = fact.At;
        Actor = fact.Actor;
        KeyId = fact.By?.KeyId;
        TokenIssuer = TextLength.Cut(fact.By?.Token?.Issuer, Credential.MaxNameLength);
        TokenSubject = TextLength.Cut(fact.By?.Token?.Subject, Credential.MaxNameLength);
        Action = fact.Action;
        Outcome = fact.Outcome;
        OwnerKind = fact.Owner?.Kind;
        OwnerId = fact.Owner?.Id;
        OwnerVersion = fact.OwnerVersion;
        SecretId = fact.SecretId;
        SecretVersion = fact.SecretVersion;
        TargetKeyId = fact.TargetKeyId;
        TargetKeyUserId = fact.TargetKeyUserId;
        ToolName = fact.ToolName;
        ToolArg = fact.ToolArg;
        Address = fact.Address;
        AgentId = fact.Context?.AgentId;
        RunId = fact.Context?.RunId;
        ToolCallId = fact.Context?.ToolCallId;
        RequestId = fact.RequestId;
        ClientRequestId = fact.ClientRequestId;
        LeftOut = fact.LeftOut;
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
