using Secrets.Api.OpenApi;
using Secrets.Application.Secrets;

namespace Secrets.Api.AiHub;

/// <summary>A new secret of an organisation.</summary>
public sealed record CreateAliasBody
{
    /// <summary>The name, unique in the organisation. It cannot be changed. Letters, digits, `_` and `-`.</summary>
    /// <example>openai-prod</example>
    [TextLimit(typeof(Domain.Secrets.Alias), nameof(Domain.Secrets.Alias.Length))]
    public required string Alias { get; init; }

    /// <summary>The purpose of the secret.</summary>
    /// <example>shared by the bots</example>
    [TextLimit(typeof(Secret), nameof(Secret.DescriptionLength))]
    public string? Description { get; init; }

    /// <summary>The credential. It is encrypted and never shown again.</summary>
    /// <example>sk-proj-7d1f0b5c9e2a</example>
    [TextLimit(typeof(SecretValue), nameof(SecretValue.LengthOfOrganization))]
    public required SecretValue Value { get; init; }

    /// <summary>The workspaces that may use the secret: `ALL`, `SOME` or `NONE`.</summary>
    /// <example>SOME</example>
    [NameLimit(typeof(WorkspaceRuleNames), nameof(WorkspaceRuleNames.All))]
    public required string AllowedWorkspacesType { get; init; }

    /// <summary>The workspaces for `SOME`, at most 100. Required with `SOME`, ignored otherwise.</summary>
    /// <example>["support", "sales"]</example>
    [ItemLimit(WorkspaceAccess.MaxWorkspaces)]
    public IReadOnlyList<string>? AllowedWorkspaces { get; init; }

    public CreateSecret ToCommand(OwnerSelector owner) => new(owner, Alias, Value, ToolName: null, ToolArg: null, IsDefaultForTool: false)
    {
        Description = Description,
        AllowedWorkspacesType = AllowedWorkspacesType,
        AllowedWorkspaces = AllowedWorkspaces,
    };
}

/// <summary>A change of an organisation's secret. Omitted and null members do not change.</summary>
/// <example>{"alias": "openai-prod", "allowed_workspaces_type": "SOME", "allowed_workspaces": ["support"]}</example>
public sealed record UpdateAliasBody
{
    /// <summary>The alias of the secret.</summary>
    /// <example>openai-prod</example>
    [TextLimit(typeof(Domain.Secrets.Alias), nameof(Domain.Secrets.Alias.Length))]
    public required string Alias { get; init; }

    /// <summary>A new description.</summary>
    /// <example>shared by the bots of support</example>
    [TextLimit(typeof(Secret), nameof(Secret.DescriptionLength))]
    public string? Description { get; init; }

    /// <summary>A new value. Must not be the mask of the current one.</summary>
    /// <example>sk-proj-0a9b8c7d6e5f</example>
    [TextLimit(typeof(SecretValue), nameof(SecretValue.LengthOfOrganization))]
    public SecretValue? Value { get; init; }

    /// <summary>The workspaces that may use the secret from now on: `ALL`, `SOME` or `NONE`.</summary>
    /// <example>SOME</example>
    [NameLimit(typeof(WorkspaceRuleNames), nameof(WorkspaceRuleNames.All))]
    public string? AllowedWorkspacesType { get; init; }

    /// <summary>The new workspaces for `SOME`, at most 100.</summary>
    /// <example>["support"]</example>
    [ItemLimit(WorkspaceAccess.MaxWorkspaces)]
    public IReadOnlyList<string>? AllowedWorkspaces { get; init; }

    public UpdateSecret ToCommand(OwnerSelector owner) => new(
        SecretSelector.ByName(owner, Alias), SecretName: default, Value ?? default(Optional<SecretValue>), ToolName: default, ToolArg: default, IsDefaultForTool: default, Condition: null)
    {
        Description = Description ?? default(Optional<string>),
        AllowedWorkspacesType = AllowedWorkspacesType,
        AllowedWorkspaces = AllowedWorkspaces,
    };
}

/// <summary>The secret of an organisation to delete.</summary>
public sealed record DeleteAliasBody
{
    /// <summary>The alias of the secret.</summary>
    /// <example>openai-prod</example>
    [TextLimit(typeof(Domain.Secrets.Alias), nameof(Domain.Secrets.Alias.Length))]
    public required string Alias { get; init; }

    public DeleteSecret ToCommand(OwnerSelector owner) => new(SecretSelector.ByName(owner, Alias), Condition: null);
}

/// <summary>A secret of an organisation, without its value.</summary>
public sealed record AliasInfo
{
    /// <summary>The name.</summary>
    /// <example>openai-prod</example>
    public required string Alias { get; init; }

    /// <summary>The purpose of the secret.</summary>
    /// <example>shared by the bots</example>
    public required string Description { get; init; }

    /// <summary>The workspaces that may use the secret: `ALL`, `SOME` or `NONE`.</summary>
    /// <example>SOME</example>
    [NameLimit(typeof(WorkspaceRuleNames), nameof(WorkspaceRuleNames.All))]
    public required string AllowedWorkspacesType { get; init; }

    /// <summary>The workspaces for `SOME`; empty otherwise.</summary>
    /// <example>["support", "sales"]</example>
    public required IReadOnlyList<string> AllowedWorkspaces { get; init; }

    /// <summary>The organisation.</summary>
    /// <example>acme</example>
    public required string Org { get; init; }

    /// <summary>When the secret was stored, in milliseconds of Unix time.</summary>
    /// <example>1764403200123</example>
    public required long CreatedAt { get; init; }

    /// <summary>The user who stored the secret.</summary>
    /// <example>7f1c1d5e-58b0-4c5a-9d5e-0d1a2b3c4d5e</example>
    public required string CreatedBy { get; init; }

    /// <summary>When the secret was last changed, in milliseconds of Unix time.</summary>
    /// <example>1764408600654</example>
    public required long UpdatedAt { get; init; }

    /// <summary>The user who last changed the secret.</summary>
    /// <example>7f1c1d5e-58b0-4c5a-9d5e-0d1a2b3c4d5e</example>
    public required string LastUpdatedBy { get; init; }

    public static AliasInfo From(SecretDetails secret) => new()
    {
        Alias = secret.Name,
        Description = secret.Description,
        AllowedWorkspacesType = WorkspaceRuleNames.For(secret.WorkspaceRule),
        AllowedWorkspaces = secret.Workspaces,
        Org = secret.OwnerId,
        CreatedAt = secret.CreatedAt.ToUnixTimeMilliseconds(),
        CreatedBy = secret.CreatedBy.ToString("D"),
        UpdatedAt = secret.UpdatedAt.ToUnixTimeMilliseconds(),
        LastUpdatedBy = secret.UpdatedBy.ToString("D"),
    };
}

/// <summary>Secrets of an organisation.</summary>
public sealed record AliasList
{
    /// <summary>The secrets, oldest first.</summary>
    public required IReadOnlyList<AliasInfo> Secrets { get; init; }

    public static AliasList From(Page<SecretDetails> page) => new() { Secrets = [.. page.Items.Select(AliasInfo.From)] };
}

/// <summary>An object without members.</summary>
/// <example>{}</example>
public sealed record Nothing;

/// <summary>Why a request was refused.</summary>
public sealed record Refusal
{
    /// <summary>The reason, for people. Never contains submitted data.</summary>
    /// <example>An alias of that name exists.</example>
    public required string Message { get; init; }
}
