using System.Text.Json.Serialization;
using Secrets.Api.Json;
using Secrets.Api.OpenApi;
using Secrets.Application.Secrets;

namespace Secrets.Api.V1;

/// <summary>A new secret.</summary>
public sealed record CreateSecretBody
{
    /// <summary>The name, unique among the owner's secrets. Must not be blank. An organisation's secret needs an alias, as under `/api/v2/aihub`.</summary>
    /// <example>my-linear-key</example>
    [TextLimit(typeof(Secret), nameof(Secret.NameLength))]
    public required string SecretName { get; init; }

    /// <summary>
    /// The credential. It is encrypted and never shown again. At most 1024 characters by default (setting `Limits__SecretValueLength`).
    /// An organisation's value has the limit of `/api/v2/aihub`.
    /// </summary>
    /// <example>lin_api_4f9c2f0d6b7e4a51</example>
    [TextLimit(typeof(SecretValue), nameof(Domain.Secrets.SecretValue.LargestLengthOfUser))]
    public required SecretValue SecretValue { get; init; }

    /// <summary>
    /// The tool that uses the secret, or a pattern in which `*` matches any run of characters. No white space at the ends, no control characters.
    /// </summary>
    /// <example>agno__linear__*</example>
    [TextLimit(typeof(ToolPattern), nameof(ToolPattern.Length))]
    public string? ToolName { get; init; }

    /// <summary>The tool's argument that the secret fills. No white space at the ends, no control characters.</summary>
    /// <example>api_token</example>
    [TextLimit(typeof(ToolBinding), nameof(ToolBinding.ArgLength))]
    public string? ToolArg { get; init; }

    /// <summary>Whether the secret is the default for the argument. Requires `tool_name` and `tool_arg`.</summary>
    /// <example>true</example>
    public bool? IsDefaultForTool { get; init; }

    /// <summary>The purpose of the secret.</summary>
    /// <example>read access for the support agents</example>
    [TextLimit(typeof(Secret), nameof(Secret.DescriptionLength))]
    public string? Description { get; init; }

    public CreateSecret ToCommand(OwnerSelector owner) => new(owner, SecretName, SecretValue, ToolName, ToolArg, IsDefaultForTool ?? false) { Description = Description };
}

/// <summary>A change of a secret. Omitted members do not change.</summary>
/// <example>{"tool_name": "agno__linear__get_*"}</example>
[NeedsKnownMember]
public sealed record UpdateSecretBody
{
    /// <summary>A new name. Null does not change the name.</summary>
    /// <example>my-linear-key-2027</example>
    [TextLimit(typeof(Secret), nameof(Secret.NameLength))]
    public Optional<string> SecretName { get; init; }

    /// <summary>A new value, with the limits of a new secret. Must not equal the secret's `display`. Null does not change the value.</summary>
    /// <example>lin_api_8e3d1b5c9a7f2046</example>
    [TextLimit(typeof(SecretValue), nameof(Domain.Secrets.SecretValue.LargestLengthOfUser))]
    public Optional<SecretValue> SecretValue { get; init; }

    /// <summary>A new tool or pattern, as for a new secret. Null unbinds the secret from tools.</summary>
    /// <example>agno__linear__get_*</example>
    [TextLimit(typeof(ToolPattern), nameof(ToolPattern.Length))]
    public Optional<string> ToolName { get; init; }

    /// <summary>A new argument, as for a new secret. Null unbinds the secret from arguments.</summary>
    /// <example>api_token</example>
    [TextLimit(typeof(ToolBinding), nameof(ToolBinding.ArgLength))]
    public Optional<string> ToolArg { get; init; }

    /// <summary>Whether the secret is the default from now on. Null does not change this.</summary>
    /// <example>true</example>
    public Optional<bool?> IsDefaultForTool { get; init; }

    /// <summary>A new description. Null clears the description.</summary>
    /// <example>read access for the support agents</example>
    [TextLimit(typeof(Secret), nameof(Secret.DescriptionLength))]
    public Optional<string> Description { get; init; }

    public UpdateSecret ToCommand(Guid id, VersionCondition? condition) =>
        new(SecretSelector.ById(id), SecretName, SecretValue, ToolName, ToolArg, IsDefaultForTool, condition) { Description = Description };
}

/// <summary>A secret, without its value.</summary>
public sealed record SecretInfo
{
    /// <summary>The secret's id.</summary>
    /// <example>0198f3b2-6c1e-7a40-8d55-3f0c9a1b2c3d</example>
    public required Guid SecretId { get; init; }

    /// <summary>The owner of a user's secret. For an organisation's secret, the user who stored it.</summary>
    /// <example>7f1c1d5e-58b0-4c5a-9d5e-0d1a2b3c4d5e</example>
    public required Guid UserId { get; init; }

    /// <summary>The organisation that owns the secret; absent for a user's secret.</summary>
    /// <example>acme</example>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? OrganizationId { get; init; }

    /// <summary>The name.</summary>
    /// <example>my-linear-key</example>
    public required string SecretName { get; init; }

    /// <summary>The mask of the value: its first and last few characters, never its length.</summary>
    /// <example>lin_...4a51</example>
    public required string? Display { get; init; }

    /// <summary>The tool or pattern that the secret is bound to.</summary>
    /// <example>agno__linear__*</example>
    public required string? ToolName { get; init; }

    /// <summary>The argument that the secret is bound to.</summary>
    /// <example>api_token</example>
    public required string? ToolArg { get; init; }

    /// <summary>Whether the secret is the default for the argument.</summary>
    /// <example>true</example>
    public required bool IsDefaultForTool { get; init; }

    /// <summary>The purpose of the secret; empty if not given.</summary>
    /// <example>read access for the support agents</example>
    public required string Description { get; init; }

    /// <summary>When the secret was stored.</summary>
    /// <example>2026-11-29T08:00:00.123456Z</example>
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>When the secret was last changed.</summary>
    /// <example>2026-11-29T09:30:00.654321Z</example>
    public required DateTimeOffset UpdatedAt { get; init; }

    /// <summary>When the value was last used in a tool call, updated every few seconds; absent if never.</summary>
    /// <example>2026-11-29T09:30:00.654321Z</example>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public DateTimeOffset? LastResolvedAt { get; init; }

    /// <summary>How often the value was used in tool calls, updated every few seconds; absent if never.</summary>
    /// <example>12</example>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? UseCount { get; init; }

    /// <summary>After a default is stored or changed: the argument's other defaults whose patterns match some of the same tools. Absent if none.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<OverlapInfo>? Warnings { get; init; }

    public static SecretInfo From(SecretWithWarnings stored) => From(stored.Secret) with
    {
        Warnings = stored.Warnings.Count == 0 ? null : [.. stored.Warnings.Select(OverlapInfo.From)],
    };

    public static SecretInfo From(SecretDetails secret) => new()
    {
        SecretId = secret.Id,
        UserId = secret.OwnerKind == OwnerKind.User ? new SecretOwner(secret.OwnerKind, secret.OwnerId).UserId : secret.CreatedBy,
        OrganizationId = secret.OwnerKind == OwnerKind.Organization ? secret.OwnerId : null,
        SecretName = secret.Name,
        Display = secret.Display,
        ToolName = secret.ToolName,
        ToolArg = secret.ToolArg,
        IsDefaultForTool = secret.IsDefaultForTool,
        Description = secret.Description,
        CreatedAt = secret.CreatedAt,
        UpdatedAt = secret.UpdatedAt,
        LastResolvedAt = secret.LastResolvedAt,
        UseCount = secret.UseCount == 0 ? null : secret.UseCount,
    };
}

/// <summary>Another default of the same argument that matches some of the same tools.</summary>
public sealed record OverlapInfo
{
    /// <summary>`shadows`: the stored secret takes precedence over the other one. `shadowed_by`: the other one takes precedence.</summary>
    /// <example>shadows</example>
    public required string Type { get; init; }

    /// <summary>The other secret.</summary>
    /// <example>0198f3b2-7d2f-7b51-9e66-4a1d0b2c3d4e</example>
    public required Guid SecretId { get; init; }

    /// <summary>The other secret's name.</summary>
    /// <example>any-token</example>
    public required string SecretName { get; init; }

    /// <summary>The other secret's tool or pattern.</summary>
    /// <example>agno__*</example>
    public required string ToolName { get; init; }

    /// <summary>A tool that both patterns match.</summary>
    /// <example>agno__linear__get_issue_details</example>
    public required string Example { get; init; }

    /// <summary>Which secret that tool gets, and why.</summary>
    /// <example>A tool such as agno__linear__get_issue_details gets this secret: the pattern with more literal characters comes first.</example>
    public required string Msg { get; init; }

    public static OverlapInfo From(OverlapWarning warning) => new()
    {
        Type = warning.Shadows ? "shadows" : "shadowed_by",
        SecretId = warning.SecretId,
        SecretName = warning.SecretName,
        ToolName = warning.ToolName,
        Example = warning.Example,
        Msg = $"A tool such as {warning.Example} gets {(warning.Shadows ? "this secret" : $"the secret {warning.SecretId}")}: "
            + $"{PrecedenceTexts.For(warning.Rule)}.",
    };
}

/// <summary>A page of secrets.</summary>
public sealed record SecretInfoList
{
    /// <summary>The secrets, oldest first.</summary>
    public required IReadOnlyList<SecretInfo> Data { get; init; }

    /// <summary>The `cursor` of the next page; absent on the last page.</summary>
    /// <example>MTc2NDQwMzIwMDEyMzQ1Ng</example>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? NextCursor { get; init; }

    public static SecretInfoList From(Page<SecretDetails> page) =>
        new() { Data = [.. page.Items.Select(SecretInfo.From)], NextCursor = page.NextCursor };
}

/// <summary>An object without members.</summary>
/// <example>{}</example>
public sealed record Empty;
