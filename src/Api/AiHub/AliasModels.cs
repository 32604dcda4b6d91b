using Secrets.Api.OpenApi;
using Secrets.Application.Common;
using Secrets.Application.Secrets;
using Secrets.Domain.Secrets;

namespace Secrets.Api.AiHub;

/// <summary>A secret of an organisation to store.</summary>
public sealed record CreateAliasBody
{
    /// <summary>What to call it; unique in the organisation, and for good. Letters, digits, `_` and `-`.</summary>
    /// <example>openai-prod</example>
    [TextLimit(typeof(Domain.Secrets.Alias), nameof(Domain.Secrets.Alias.Length))]
    public required string Alias { get; init; }

    /// <summary>What it is for.</summary>
    /// <example>shared by the bots</example>
    [TextLimit(typeof(Secret), nameof(Secret.DescriptionLength))]
    public string? Description { get; init; }

    /// <summary>The credential. It is stored sealed and never shown again.</summary>
    /// <example>sk-proj-7d1f0b5c9e2a</example>
    [TextLimit(typeof(SecretValue), nameof(SecretValue.LengthOfOrganization))]
    public required SecretValue Value { get; init; }

    /// <summary>Which workspaces may use it: `ALL`, `SOME` or `NONE`.</summary>
    /// <example>SOME</example>
    [NameLimit(typeof(WorkspaceRuleNames), nameof(WorkspaceRuleNames.All))]
    public required string AllowedWorkspacesType { get; init; }

    /// <summary>The workspaces that may use it, at most 100; needed with `SOME`, and without meaning otherwise.</summary>
    /// <example>["support", "sales"]</example>
    [ItemLimit(WorkspaceAccess.MaxNames)]
    public IReadOnlyList<string>? AllowedWorkspaces { get; init; }

    public CreateSecret ToCommand(OwnerSelector owner) => new(owner, Alias, Value, ToolName: null, ToolArg: null, IsDefaultForTool: false)
    {
        Description = Description,
        AllowedWorkspacesType = AllowedWorkspacesType,
        AllowedWorkspaces = AllowedWorkspaces,
    };
}

/// <summary>What to change of an organisation's secret. Members left out, or null, stay as they are.</summary>
/// <example>{"alias": "openai-prod", "allowed_workspaces_type": "SOME", "allowed_workspaces": ["support"]}</example>
public sealed record UpdateAliasBody
{
    /// <summary>Which secret.</summary>
    /// <example>openai-prod</example>
    [TextLimit(typeof(Domain.Secrets.Alias), nameof(Domain.Secrets.Alias.Length))]
    public required string Alias { get; init; }

    /// <summary>A new description.</summary>
    /// <example>shared by the bots of support</example>
    [TextLimit(typeof(Secret), nameof(Secret.DescriptionLength))]
    public string? Description { get; init; }

    /// <summary>A new value, and not what is displayed of the present one.</summary>
    /// <example>sk-proj-0a9b8c7d6e5f</example>
    [TextLimit(typeof(SecretValue), nameof(SecretValue.LengthOfOrganization))]
    public SecretValue? Value { get; init; }

    /// <summary>Which workspaces may use it from now on: `ALL`, `SOME` or `NONE`.</summary>
    /// <example>SOME</example>
    [NameLimit(typeof(WorkspaceRuleNames), nameof(WorkspaceRuleNames.All))]
    public string? AllowedWorkspacesType { get; init; }

    /// <summary>The workspaces that may use it from now on, at most 100, if only some may.</summary>
    /// <example>["support"]</example>
    [ItemLimit(WorkspaceAccess.MaxNames)]
    public IReadOnlyList<string>? AllowedWorkspaces { get; init; }

    public UpdateSecret ToCommand(OwnerSelector owner) => new(
        SecretSelector.ByName(owner, Alias), SecretName: default, Value ?? default(Optional<SecretValue>), ToolName: default, ToolArg: default, IsDefaultForTool: default, Condition: null)
    {
        Description = Description ?? default(Optional<string>),
        AllowedWorkspacesType = AllowedWorkspacesType,
        AllowedWorkspaces = AllowedWorkspaces,
    };
}

/// <summary>Which secret of an organisation to delete.</summary>
public sealed record DeleteAliasBody
{
    /// <summary>Which secret.</summary>
    /// <example>openai-prod</example>
    [TextLimit(typeof(Domain.Secrets.Alias), nameof(Domain.Secrets.Alias.Length))]
    public required string Alias { get; init; }

    public DeleteSecret ToCommand(OwnerSelector owner) => new(SecretSelector.ByName(owner, Alias), Condition: null);
}

/// <summary>A secret of an organisation as people may see it.</summary>
public sealed record AliasInfo
{
    /// <summary>Its name.</summary>
    /// <example>openai-prod</example>
    public required string Alias { get; init; }

    /// <summary>What it is for.</summary>
    /// <example>shared by the bots</example>
    public required string Description { get; init; }

    /// <summary>Which workspaces may use it: `ALL`, `SOME` or `NONE`.</summary>
    /// <example>SOME</example>
    [NameLimit(typeof(WorkspaceRuleNames), nameof(WorkspaceRuleNames.All))]
    public required string AllowedWorkspacesType { get; init; }

    /// <summary>The workspaces that may use it, if only some may.</summary>
    /// <example>["support", "sales"]</example>
    public required IReadOnlyList<string> AllowedWorkspaces { get; init; }

    /// <summary>The organisation.</summary>
    /// <example>acme</example>
    public required string Org { get; init; }

    /// <summary>When it was stored, in milliseconds of Unix time.</summary>
    /// <example>1764403200123</example>
    public required long CreatedAt { get; init; }

    /// <summary>The user who stored it.</summary>
    /// <example>7f1c1d5e-58b0-4c5a-9d5e-0d1a2b3c4d5e</example>
    public required string CreatedBy { get; init; }

    /// <summary>When it was last changed, in milliseconds of Unix time.</summary>
    /// <example>1764408600654</example>
    public required long UpdatedAt { get; init; }

    /// <summary>The user who last changed it.</summary>
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
    /// <summary>What happened, in words; never what was sent.</summary>
    /// <example>An alias of that name exists.</example>
    public required string Message { get; init; }
}
