using Secrets.Domain.Secrets;

namespace Secrets.Domain.Audit;

/// <summary>A row of the audit: an event in its place in the chain of one writer.</summary>
public sealed class AuditEntry
{
    private AuditEntry()
    {
    }

    /// <summary>An event in its place, still without its hash: <see cref="AuditChain"/> gives it one.</summary>
    public AuditEntry(Guid writer, long sequence, AuditEvent fact)
    {
        Writer = writer;
        Sequence = sequence;
        At = fact.At;
        Actor = fact.Actor;
        Action = fact.Action;
        Outcome = fact.Outcome;
        OwnerKind = fact.Owner?.Kind;
        OwnerId = fact.Owner?.Id;
        OwnerVersion = fact.OwnerVersion;
        SecretId = fact.SecretId;
        SecretVersion = fact.SecretVersion;
        KeyId = fact.KeyId;
        KeyUserId = fact.KeyUserId;
        ToolName = fact.ToolName;
        ToolArg = fact.ToolArg;
        Address = fact.Address;
        RequestId = fact.RequestId;
    }

    /// <summary>Whose chain the row is in.</summary>
    public Guid Writer { get; private init; }

    /// <summary>The row's place in the chain: 1, 2, 3 and so on without a gap.</summary>
    public long Sequence { get; private init; }

    /// <inheritdoc cref="AuditEvent.At" />
    public DateTimeOffset At { get; private init; }

    /// <inheritdoc cref="AuditEvent.Actor" />
    public Guid Actor { get; private init; }

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

    /// <inheritdoc cref="AuditEvent.KeyId" />
    public Guid? KeyId { get; private init; }

    /// <inheritdoc cref="AuditEvent.KeyUserId" />
    public Guid? KeyUserId { get; private init; }

    /// <inheritdoc cref="AuditEvent.ToolName" />
    public string? ToolName { get; private init; }

    /// <inheritdoc cref="AuditEvent.ToolArg" />
    public string? ToolArg { get; private init; }

    /// <inheritdoc cref="AuditEvent.Address" />
    public string? Address { get; private init; }

    /// <inheritdoc cref="AuditEvent.RequestId" />
    public string? RequestId { get; private init; }

    /// <summary>Of this row and, through the one before it, of all before: <see cref="AuditChain"/>.</summary>
    public byte[] Hash { get; internal set; } = [];
}
