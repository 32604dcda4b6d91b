namespace Secrets.Domain.Secrets;

/// <summary>The workspaces of an organisation that may use a secret: a rule, and the list for <see cref="WorkspaceRule.Some"/>.</summary>
public sealed record WorkspaceAccess
{
    /// <summary>The most workspaces that one secret can list. <c>Membership.MaxWorkspaces</c> limits a credential.</summary>
    public const int MaxWorkspaces = 100;

    /// <summary>See <see cref="WorkspaceRule.All"/>.</summary>
    public static readonly WorkspaceAccess All = new(WorkspaceRule.All, []);

    /// <summary>See <see cref="WorkspaceRule.None"/>.</summary>
    public static readonly WorkspaceAccess None = new(WorkspaceRule.None, []);

    /// <summary>Access by a rule. The list is dropped unless the rule is <see cref="WorkspaceRule.Some"/>.</summary>
    public WorkspaceAccess(WorkspaceRule rule, IEnumerable<string> names)
    {
        Rule = rule;
        Names = rule == WorkspaceRule.Some ? [.. names.Distinct(StringComparer.Ordinal)] : [];
    }

    /// <summary>The rule.</summary>
    public WorkspaceRule Rule { get; }

    /// <summary>The workspaces that <see cref="WorkspaceRule.Some"/> admits, in the given order, without duplicates.</summary>
    public IReadOnlyList<string> Names { get; }

    /// <summary>Whether the secret may be used in a workspace; null: in a call without a workspace.</summary>
    public bool Admits(string? workspace) => Rule switch
    {
        WorkspaceRule.All => true,
        WorkspaceRule.Some => workspace is not null && Names.Contains(workspace, StringComparer.Ordinal),
        _ => false,
    };

    /// <inheritdoc />
    public bool Equals(WorkspaceAccess? other) =>
        other is not null && Rule == other.Rule && Names.SequenceEqual(other.Names, StringComparer.Ordinal);

    /// <inheritdoc />
    public override int GetHashCode() => HashCode.Combine(Rule, Names.Count);
}

/// <summary>The row of a workspace that may use a secret.</summary>
public sealed class WorkspaceGrant
{
    private WorkspaceGrant()
    {
    }

    /// <summary>A new row.</summary>
    public WorkspaceGrant(int number, string workspace) => (Number, Workspace) = (number, workspace);

    /// <summary>Position in the list: 0, 1, 2 and so on.</summary>
    public int Number { get; private init; }

    /// <summary>The workspace.</summary>
    public string Workspace { get; private init; } = null!;
}
