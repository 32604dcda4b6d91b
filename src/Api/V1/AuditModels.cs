using System.Text.Json.Serialization;
using Secrets.Application.Audit;
using Secrets.Domain.Audit;

namespace Secrets.Api.V1;

/// <summary>An action that was done or refused.</summary>
public sealed record AuditInfo
{
    /// <summary>The chain that contains the row.</summary>
    /// <example>0198f3a0-22bb-7d73-b088-6c3f2d4e5f60</example>
    public required Guid Writer { get; init; }

    /// <summary>The row's number in that chain: 1, 2, 3 and so on.</summary>
    /// <example>1042</example>
    public required long Sequence { get; init; }

    /// <summary>When.</summary>
    /// <example>2026-11-29T09:30:00.654321Z</example>
    public required DateTimeOffset At { get; init; }

    /// <summary>The user whom the credential acts for.</summary>
    /// <example>7f1c1d5e-58b0-4c5a-9d5e-0d1a2b3c4d5e</example>
    public required Guid Actor { get; init; }

    /// <summary>The API key that acted; null: none. `00000000-0000-0000-0000-000000000001` is the bootstrap key.</summary>
    /// <example>0198f3b4-11aa-7c62-af77-5b2e1c3d4e5f</example>
    public required Guid? KeyId { get; init; }

    /// <summary>The token that acted; null: none.</summary>
    public required AuditToken? Token { get; init; }

    /// <summary>The action, such as `secret.update`.</summary>
    /// <example>secret.resolve</example>
    public required string Action { get; init; }

    /// <summary>`success` or `denied`.</summary>
    /// <example>success</example>
    public required string Outcome { get; init; }

    /// <summary>The owner of the secret or key; null: not known.</summary>
    public required AuditOwner? Owner { get; init; }

    /// <summary>The version of the owner's secrets, or of the user's API keys, after a change; null: no change.</summary>
    /// <example>7360152384716045</example>
    public required long? OwnerVersion { get; init; }

    /// <summary>The secret. The secret of a denied request need not exist.</summary>
    /// <example>0198f3b2-6c1e-7a40-8d55-3f0c9a1b2c3d</example>
    public required Guid? SecretId { get; init; }

    /// <summary>The secret's version after the action.</summary>
    /// <example>3</example>
    public required int? SecretVersion { get; init; }

    /// <summary>The API key that was made, replaced or revoked. The key of a denied request need not exist.</summary>
    /// <example>0198f3b5-33cc-7e84-81a9-7d40e3f5a6b7</example>
    public required Guid? TargetKeyId { get; init; }

    /// <summary>The tool or pattern.</summary>
    /// <example>agno__linear__get_issue_details</example>
    public required string? ToolName { get; init; }

    /// <summary>The tool's argument.</summary>
    /// <example>api_token</example>
    public required string? ToolArg { get; init; }

    /// <summary>The client's address.</summary>
    /// <example>203.0.113.7</example>
    public required string? Address { get; init; }

    /// <summary>The runtime's description of the call; null: none.</summary>
    public required CallContextInfo? Context { get; init; }

    /// <summary>The request's id, as in the log.</summary>
    /// <example>0HNFQ6V7K2M3S:00000001</example>
    public required string? RequestId { get; init; }

    /// <summary>The caller's own id of the request.</summary>
    /// <example>checkout-7f3a</example>
    public required string? ClientRequestId { get; init; }

    /// <summary>Number of refusals without a row of their own, for the action `denials.left_out`.</summary>
    /// <example>941</example>
    public required int? LeftOut { get; init; }

    /// <summary>The hash of this row and of all rows before it in the chain, in hexadecimal.</summary>
    /// <example>9b74c9897bac770ffc029102a200c5de9b74c9897bac770ffc029102a200c5de</example>
    public required string Hash { get; init; }

    public static AuditInfo From(AuditEntry row) => new()
    {
        Writer = row.Writer,
        Sequence = row.Sequence,
        At = row.At,
        Actor = row.Actor,
        KeyId = row.KeyId,
        Token = row is { TokenIssuer: { } issuer, TokenSubject: { } subject } ? new AuditToken { Issuer = issuer, Subject = subject } : null,
        Action = AuditNames.For(row.Action),
        Outcome = AuditNames.For(row.Outcome),
        Owner = row is { OwnerKind: { } kind, OwnerId: { } id } ? AuditOwner.From(kind, id) : null,
        OwnerVersion = row.OwnerVersion,
        SecretId = row.SecretId,
        SecretVersion = row.SecretVersion,
        TargetKeyId = row.TargetKeyId,
        ToolName = row.ToolName,
        ToolArg = row.ToolArg,
        Address = row.Address,
        Context = row is { AgentId: null, RunId: null, ToolCallId: null }
            ? null
            : new CallContextInfo { AgentId = row.AgentId, RunId = row.RunId, ToolCallId = row.ToolCallId },
        RequestId = row.RequestId,
        ClientRequestId = row.ClientRequestId,
        LeftOut = row.LeftOut,
        Hash = Convert.ToHexStringLower(row.Hash),
    };
}

/// <summary>The identity in a token.</summary>
public sealed record AuditToken
{
    /// <summary>The issuer (`iss`).</summary>
    /// <example>https://login.example</example>
    public required string Issuer { get; init; }

    /// <summary>The subject (`sub`).</summary>
    /// <example>user-4711</example>
    public required string Subject { get; init; }
}

/// <summary>The owner of a secret or key.</summary>
public sealed record AuditOwner
{
    /// <summary>`user` or `organization`.</summary>
    /// <example>user</example>
    public required string Kind { get; init; }

    /// <summary>The user's uuid, or the organisation's identifier.</summary>
    /// <example>7f1c1d5e-58b0-4c5a-9d5e-0d1a2b3c4d5e</example>
    public required string Id { get; init; }

    public static AuditOwner From(OwnerKind kind, string id) => new() { Kind = ResolutionTexts.For(kind), Id = id };
}

/// <summary>A page of the audit.</summary>
public sealed record AuditInfoList
{
    /// <summary>The rows, newest first.</summary>
    public required IReadOnlyList<AuditInfo> Data { get; init; }

    /// <summary>The `cursor` of the next page; absent on the last page.</summary>
    /// <example>MTc2NDQwMzIwMDEyMzQ1Ng</example>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? NextCursor { get; init; }

    public static AuditInfoList From(Page<AuditEntry> page) =>
        new() { Data = [.. page.Items.Select(AuditInfo.From)], NextCursor = page.NextCursor };
}

/// <summary>The result of a verification.</summary>
public sealed record AuditCheck
{
    /// <summary>Whether no row was changed or removed, and each account has its latest version in the audit.</summary>
    /// <example>true</example>
    public required bool Ok { get; init; }

    /// <summary>Number of rows read.</summary>
    /// <example>52817</example>
    public required long Checked { get; init; }

    /// <summary>The first changed or missing row; null: none.</summary>
    public required AuditPlace? FirstBroken { get; init; }

    /// <summary>Rows of a checkpoint that are missing or replaced. Rows removed because of their age do not count.</summary>
    public required IReadOnlyList<MissingRowsInfo> Missing { get; init; }

    /// <summary>Accounts that do not have their latest version in the audit. At most 1000 of secrets and 1000 of API keys.</summary>
    public required IReadOnlyList<OutdatedAccountInfo> Owners { get; init; }

    public static AuditCheck From(AuditVerdict verdict) => new()
    {
        Ok = verdict.IsIntact,
        Checked = verdict.Checked,
        FirstBroken = verdict.FirstBroken is { } broken ? AuditPlace.From(broken) : null,
        Missing = [.. verdict.Missing.Select(MissingRowsInfo.From)],
        Owners = [.. verdict.Owners.Select(OutdatedAccountInfo.From)],
    };
}

/// <summary>Missing or replaced rows of one chain.</summary>
public sealed record MissingRowsInfo
{
    /// <summary>The chain.</summary>
    /// <example>0198f3a0-22bb-7d73-b088-6c3f2d4e5f60</example>
    public required Guid Writer { get; init; }

    /// <summary>The first row known to be missing.</summary>
    /// <example>17</example>
    public required long Sequence { get; init; }

    /// <summary>The last row of the chain in the checkpoint.</summary>
    /// <example>23</example>
    public required long Last { get; init; }

    public static MissingRowsInfo From(MissingRows rows) => new() { Writer = rows.Writer, Sequence = rows.Sequence, Last = rows.Last };
}

/// <summary>An account that does not have its latest version in the audit. Somebody set it back, put in a change that had failed, or changed the audit.</summary>
public sealed record OutdatedAccountInfo
{
    /// <summary>The owner of the account.</summary>
    public required AuditOwner Owner { get; init; }

    /// <summary>`secrets`, or `api_keys` for the account of a user's API keys.</summary>
    /// <example>secrets</example>
    public required string Account { get; init; }

    /// <summary>The stored version; 0: the account is missing.</summary>
    /// <example>7360152384716045</example>
    public required long Version { get; init; }

    /// <summary>The version in the audit.</summary>
    /// <example>7360152401493261</example>
    public required long Audited { get; init; }

    public static OutdatedAccountInfo From(OutdatedAccount account) => new()
    {
        Owner = AuditOwner.From(account.Owner.Kind, account.Owner.Id),
        Account = account.IsOfKeys ? "api_keys" : "secrets",
        Version = account.Version,
        Audited = account.Audited,
    };
}

/// <summary>The ends of all chains of the audit at one moment.</summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record CheckpointInfo
{
    /// <summary>The largest checkpoint in bytes: about 100,000 chains.</summary>
    public const int MaxSize = 16 * 1024 * 1024;

    /// <summary>The moment.</summary>
    /// <example>2026-11-29T09:30:00.654321Z</example>
    public required DateTimeOffset At { get; init; }

    /// <summary>Number of chains.</summary>
    /// <example>12</example>
    public required long Count { get; init; }

    /// <summary>The ends of the chains. Fewer than `count` only if an operator accepted chains that do not verify.</summary>
    public required IReadOnlyList<CheckpointHead> Heads { get; init; }

    /// <summary>The authentication code over the other members, in hexadecimal.</summary>
    /// <example>9b74c9897bac770ffc029102a200c5de9b74c9897bac770ffc029102a200c5de</example>
    public required string Mac { get; init; }

    public static CheckpointInfo From(AuditCheckpoint checkpoint) => new()
    {
        At = checkpoint.At,
        Count = checkpoint.Count,
        Heads = [.. checkpoint.Heads.Select(CheckpointHead.From)],
        Mac = Convert.ToHexStringLower(checkpoint.Mac),
    };

    public VerifyAudit ToCommand() => new(new AuditCheckpoint(At, Count, [.. Heads.Select(head => head.ToHead())], CheckpointHead.Bytes(Mac)));
}

/// <summary>The end of one chain of the audit.</summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record CheckpointHead
{
    /// <summary>The chain.</summary>
    /// <example>0198f3a0-22bb-7d73-b088-6c3f2d4e5f60</example>
    public required Guid Writer { get; init; }

    /// <summary>The number of its last row.</summary>
    /// <example>23</example>
    public required long Sequence { get; init; }

    /// <summary>That row's hash, in hexadecimal.</summary>
    /// <example>9b74c9897bac770ffc029102a200c5de9b74c9897bac770ffc029102a200c5de</example>
    public required string Hash { get; init; }

    public static CheckpointHead From(AuditHead head) =>
        new() { Writer = head.Writer, Sequence = head.Position.Sequence, Hash = Convert.ToHexStringLower(head.Position.Hash) };

    public AuditHead ToHead() => new(Writer, new AuditPosition(Sequence, Bytes(Hash)));

    /// <summary>The bytes of a hexadecimal text; empty for any other text, so that its authentication fails.</summary>
    internal static byte[] Bytes(string hexadecimal)
    {
        var bytes = new byte[AuditChain.KeySize];
        return Convert.FromHexString(hexadecimal, bytes, out _, out var written) == System.Buffers.OperationStatus.Done && written == bytes.Length ? bytes : [];
    }
}

/// <summary>A position in the audit.</summary>
public sealed record AuditPlace
{
    /// <summary>The chain; the nil uuid if a whole chain is missing.</summary>
    /// <example>0198f3a0-22bb-7d73-b088-6c3f2d4e5f60</example>
    public required Guid Writer { get; init; }

    /// <summary>The row's number. For a missing chain, the chain's number; 0: the list of chains cannot be read, or a table was replaced.</summary>
    /// <example>17</example>
    public required long Sequence { get; init; }

    public static AuditPlace From(Application.Audit.AuditPlace place) => new() { Writer = place.Writer, Sequence = place.Sequence };
}
