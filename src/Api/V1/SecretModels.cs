using System.Text.Json.Serialization;
using Secrets.Application.Common;
using Secrets.Application.Secrets;
using Secrets.Domain.Secrets;

namespace Secrets.Api.V1;

/// <summary>A secret to store.</summary>
public sealed record CreateSecretBody
{
    /// <summary>What to call it; unique among the owner's secrets. Not only white space; an organisation's is an alias, as under `/api/v2/aihub`.</summary>
    public required string SecretName { get; init; }

    /// <summary>The credential. It is stored sealed and never shown again. An organisation's may be as long as under `/api/v2/aihub`.</summary>
    public required SecretValue SecretValue { get; init; }

    /// <summary>The tool that uses it, or a pattern over tools in which `*` stands for any run of characters.</summary>
    public string? ToolName { get; init; }

    /// <summary>The tool's argument that it fills.</summary>
    public string? ToolArg { get; init; }

    /// <summary>Whether it fills the argument when a call does not give it. Needs `tool_name` and `tool_arg`.</summary>
    public bool? IsDefaultForTool { get; init; }

    public CreateSecret ToCommand(OwnerSelector owner) => new(owner, SecretName, SecretValue, ToolName, ToolArg, IsDefaultForTool ?? false);
}

/// <summary>What to change of a secret. Members left out stay as they are.</summary>
public sealed record UpdateSecretBody
{
    /// <summary>A new name; null leaves it.</summary>
    public Optional<string> SecretName { get; init; }

    /// <summary>A new value; null leaves it.</summary>
    public Optional<SecretValue> SecretValue { get; init; }

    /// <summary>A new tool or pattern; null unbinds the secret from tools.</summary>
    public Optional<string> ToolName { get; init; }

    /// <summary>A new argument; null unbinds the secret from arguments.</summary>
    public Optional<string> ToolArg { get; init; }

    /// <summary>Whether it is the default from now on; null leaves it.</summary>
    public Optional<bool?> IsDefaultForTool { get; init; }

    public UpdateSecret ToCommand(Guid id, VersionCondition? condition) =>
        new(SecretSelector.ById(id), SecretName, SecretValue, ToolName, ToolArg, IsDefaultForTool, condition);
}

/// <summary>A secret as people may see it.</summary>
public sealed record SecretInfo
{
    /// <summary>The secret's id.</summary>
    public required Guid SecretId { get; init; }

    /// <summary>The user it belongs to; of an organisation's secret the user who stored it.</summary>
    public required Guid UserId { get; init; }

    /// <summary>The organisation it belongs to; absent where it belongs to a user.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? OrganizationId { get; init; }

    /// <summary>Its name.</summary>
    public required string SecretName { get; init; }

    /// <summary>The value's first and last few characters; never its length.</summary>
    public required string? Display { get; init; }

    /// <summary>The tool or pattern it is bound to.</summary>
    public required string? ToolName { get; init; }

    /// <summary>The argument it is bound to.</summary>
    public required string? ToolArg { get; init; }

    /// <summary>Whether it fills the argument when a call does not give it.</summary>
    public required bool IsDefaultForTool { get; init; }

    /// <summary>When it was stored.</summary>
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>When it was last changed.</summary>
    public required DateTimeOffset UpdatedAt { get; init; }

    /// <summary>When its value was last handed out for a tool call, some seconds behind; absent where it never was.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public DateTimeOffset? LastResolvedAt { get; init; }

    /// <summary>How often its value was handed out, some seconds behind; absent where it never was.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? UseCount { get; init; }

    /// <summary>
    /// After storing or changing a default: other defaults of the same argument that match some of the same tools. Absent when there are none.
    /// </summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<OverlapInfo>? Warnings { get; init; }

    public static SecretInfo Of(StoredSecret stored) => Of(stored.Secret) with
    {
        Warnings = stored.Warnings.Count == 0 ? null : [.. stored.Warnings.Select(OverlapInfo.Of)],
    };

    public static SecretInfo Of(SecretDetails secret) => new()
    {
        SecretId = secret.Id,
        UserId = secret.OwnerKind == OwnerKind.User ? new SecretOwner(secret.OwnerKind, secret.OwnerId).UserId : secret.CreatedBy,
        OrganizationId = secret.OwnerKind == OwnerKind.Organization ? secret.OwnerId : null,
        SecretName = secret.Name,
        Display = secret.Display,
        ToolName = secret.ToolName,
        ToolArg = secret.ToolArg,
        IsDefaultForTool = secret.IsDefaultForTool,
        CreatedAt = secret.CreatedAt,
        UpdatedAt = secret.UpdatedAt,
        LastResolvedAt = secret.LastResolvedAt,
        UseCount = secret.UseCount == 0 ? null : secret.UseCount,
    };
}

/// <summary>Another default of the same argument that matches some of the same tools.</summary>
public sealed record OverlapInfo
{
    /// <summary>`shadows`: the secret just stored comes before the other; `shadowed_by`: the other comes before it.</summary>
    public required string Type { get; init; }

    /// <summary>The other secret.</summary>
    public required Guid SecretId { get; init; }

    /// <summary>The other secret's name.</summary>
    public required string SecretName { get; init; }

    /// <summary>The other secret's tool or pattern.</summary>
    public required string ToolName { get; init; }

    /// <summary>A tool that both match.</summary>
    public required string Example { get; init; }

    /// <summary>Which of them that tool gets, and why.</summary>
    public required string Msg { get; init; }

    public static OverlapInfo Of(OverlapWarning warning) => new()
    {
        Type = warning.Shadows ? "shadows" : "shadowed_by",
        SecretId = warning.SecretId,
        SecretName = warning.SecretName,
        ToolName = warning.ToolName,
        Example = warning.Example,
        Msg = $"A tool such as {warning.Example} gets {(warning.Shadows ? "this secret" : $"the secret {warning.SecretId}")}: "
            + $"{PrecedenceWords.Of(warning.Rule)}.",
    };
}

/// <summary>A list, or a page of it.</summary>
public sealed record SecretInfoList
{
    /// <summary>The secrets, oldest first.</summary>
    public required IReadOnlyList<SecretInfo> Data { get; init; }

    /// <summary>Pass this as `cursor` for the next page; absent on the last.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? NextCursor { get; init; }

    public static SecretInfoList Of(Page<SecretDetails> page) =>
        new() { Data = [.. page.Items.Select(SecretInfo.Of)], NextCursor = page.NextCursor };
}

/// <summary>An object without members.</summary>
public sealed record Empty;
