using System.Text.Json.Serialization;
using Secrets.Application.Common;
using Secrets.Domain.Audit;
using Secrets.Domain.Secrets;

namespace Secrets.Api.V1;

/// <summary>Something that was done or refused.</summary>
public sealed record AuditInfo
{
    /// <summary>Whose chain the row is in.</summary>
    public required Guid Writer { get; init; }

    /// <summary>The row's place in that chain: 1, 2, 3 and so on.</summary>
    public required long Sequence { get; init; }

    /// <summary>When.</summary>
    public required DateTimeOffset At { get; init; }

    /// <summary>The user whom the credential acts for.</summary>
    public required Guid Actor { get; init; }

    /// <summary>What, such as `secret.update`.</summary>
    public required string Action { get; init; }

    /// <summary>`success` or `denied`.</summary>
    public required string Outcome { get; init; }

    /// <summary>Whose secret or key it is; null where that is not known.</summary>
    public required AuditOwner? Owner { get; init; }

    /// <summary>The secret; where `denied`, the one that was asked for, which need not exist.</summary>
    public required Guid? SecretId { get; init; }

    /// <summary>The secret's version after what was done.</summary>
    public required int? SecretVersion { get; init; }

    /// <summary>The API key that was made, replaced, revoked or refused.</summary>
    public required Guid? KeyId { get; init; }

    /// <summary>The tool or pattern.</summary>
    public required string? ToolName { get; init; }

    /// <summary>The tool's argument.</summary>
    public required string? ToolArg { get; init; }

    /// <summary>The address that the request came from.</summary>
    public required string? Address { get; init; }

    /// <summary>The request's id, as the log has it.</summary>
    public required string? RequestId { get; init; }

    /// <summary>Of this row and of all before it in its chain, in hexadecimal.</summary>
    public required string Hash { get; init; }

    public static AuditInfo Of(AuditEntry row) => new()
    {
        Writer = row.Writer,
        Sequence = row.Sequence,
        At = row.At,
        Actor = row.Actor,
        Action = AuditNames.Of(row.Action),
        Outcome = AuditNames.Of(row.Outcome),
        Owner = row is { OwnerKind: { } kind, OwnerId: { } id } ? AuditOwner.Of(kind, id) : null,
        SecretId = row.SecretId,
        SecretVersion = row.SecretVersion,
        KeyId = row.KeyId,
        ToolName = row.ToolName,
        ToolArg = row.ToolArg,
        Address = row.Address,
        RequestId = row.RequestId,
        Hash = Convert.ToHexStringLower(row.Hash),
    };
}

/// <summary>The owner of a secret or key.</summary>
public sealed record AuditOwner
{
    /// <summary>`user` or `organization`.</summary>
    public required string Kind { get; init; }

    /// <summary>The user's uuid, or the organisation's identifier.</summary>
    public required string Id { get; init; }

    public static AuditOwner Of(OwnerKind kind, string id) => new() { Kind = ResolutionWords.Of(kind), Id = id };
}

/// <summary>A page of the audit.</summary>
public sealed record AuditInfoList
{
    /// <summary>The rows, newest first.</summary>
    public required IReadOnlyList<AuditInfo> Data { get; init; }

    /// <summary>Pass this as `cursor` for the next page; absent on the last.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? NextCursor { get; init; }

    public static AuditInfoList Of(Page<AuditEntry> page) =>
        new() { Data = [.. page.Items.Select(AuditInfo.Of)], NextCursor = page.NextCursor };
}

/// <summary>What a check of the audit found.</summary>
public sealed record AuditCheck
{
    /// <summary>Whether every row is as it was written, and none is missing.</summary>
    public required bool Ok { get; init; }

    /// <summary>Rows that were read.</summary>
    public required long Checked { get; init; }

    /// <summary>The first row that is not as it was written, or is missing.</summary>
    public required AuditPlace? FirstBroken { get; init; }

    public static AuditCheck Of(AuditVerdict verdict) =>
        new() { Ok = verdict.FirstBroken is null, Checked = verdict.Checked, FirstBroken = verdict.FirstBroken is { } broken ? AuditPlace.Of(broken) : null };
}

/// <summary>A place in the audit.</summary>
public sealed record AuditPlace
{
    /// <summary>Whose chain; the nil uuid where a whole chain is missing.</summary>
    public required Guid Writer { get; init; }

    /// <summary>The row's place in it; of a missing chain its writer's number, 0 where the list of chains cannot be read.</summary>
    public required long Sequence { get; init; }

    public static AuditPlace Of(Application.Common.AuditPlace place) => new() { Writer = place.Writer, Sequence = place.Sequence };
}
