namespace Secrets.Domain.Secrets;

/// <summary>Which workspaces of an organisation may use its secret: a rule, and the list that <see cref="WorkspaceRule.Some"/> needs.</summary>
public sealed record WorkspaceAccess
{
    /// <summary>The most workspaces of one list.</summary>
    public const int MaxNames = 100;

    /// <summary>Every workspace, and use without one.</summary>
    public static readonly WorkspaceAccess All = new(WorkspaceRule.All, []);

    /// <summary>No workspace.</summary>
    public static readonly WorkspaceAccess None = new(WorkspaceRule.None, []);

    /// <summary>Access by a rule. What is listed for a rule that needs no list says nothing and is left out.</summary>
    public WorkspaceAccess(WorkspaceRule rule, IEnumerable<string> names)
    {
        Rule = rule;
        Names = rule == WorkspaceRule.Some ? [.. names.Distinct(StringComparer.Ordinal)] : [];
    }

    /// <summary>The rule.</summary>
    public WorkspaceRule Rule { get; }

    /// <summary>The workspaces that <see cref="WorkspaceRule.Some"/> admits, each once, in the order in which they were given.</summary>
    public IReadOnlyList<string> Names { get; }

    /// <summary>Whether the secret may be used in a workspace; null: outside of all.</summary>
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

/// <summary>A workspace that may use a secret, as a row.</summary>
public sealed class WorkspaceGrant
{
    private WorkspaceGrant()
    {
    }

    /// <summary>One of a secret's.</summary>
    public WorkspaceGrant(int number, string workspace) => (Number, Workspace) = (number, workspace);

    /// <summary>Its place in the list: 0, 1, 2 and so on.</summary>
    public int Number { get; private init; }

    /// <summary>The workspace.</summary>
    public string Workspace { get; private init; } = null!;
}
