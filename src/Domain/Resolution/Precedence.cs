using Secrets.Domain.Secrets;

namespace Secrets.Domain.Resolution;

/// <summary>Why one default comes before another. In the order in which the rules are asked.</summary>
public enum PrecedenceRule
{
    /// <summary>They are the same.</summary>
    None,

    /// <summary>A user's own default comes before an organisation's.</summary>
    UserBeforeOrganization,

    /// <summary>The name of one tool comes before any pattern.</summary>
    NameBeforePattern,

    /// <summary>More literal characters come before fewer.</summary>
    MoreLiterals,

    /// <summary>Fewer wildcards come before more.</summary>
    FewerWildcards,

    /// <summary>The pattern that is first in the order of code points.</summary>
    PatternOrder,
}

/// <summary>A default, as far as it matters for whether it comes before another.</summary>
/// <param name="OwnerKind">Whose it is.</param>
/// <param name="Pattern">The tools that it is for.</param>
public readonly record struct Precedence(OwnerKind OwnerKind, ToolPattern Pattern)
{
    /// <summary>
    /// A total order in which the first wins. It looks at nothing that depends on when or where a secret was stored, so every replica
    /// and database comes to the same answer. Two defaults that are equal in it cannot both exist for one argument.
    /// </summary>
    public static Comparer<Precedence> Order { get; } = Comparer<Precedence>.Create((one, other) => one.CompareWith(other, out _));

    /// <summary>Negative where this one comes first, positive where the other does; and which rule decided.</summary>
    public int CompareWith(Precedence other, out PrecedenceRule rule)
    {
        (int Order, PrecedenceRule Rule) decision =
            OwnerKind != other.OwnerKind ? (OwnerKind.CompareTo(other.OwnerKind), PrecedenceRule.UserBeforeOrganization)
            : IsName != other.IsName ? (other.IsName.CompareTo(IsName), PrecedenceRule.NameBeforePattern)
            : Pattern.LiteralCount != other.Pattern.LiteralCount
                ? (other.Pattern.LiteralCount.CompareTo(Pattern.LiteralCount), PrecedenceRule.MoreLiterals)
            : Pattern.WildcardCount != other.Pattern.WildcardCount
                ? (Pattern.WildcardCount.CompareTo(other.Pattern.WildcardCount), PrecedenceRule.FewerWildcards)
            : (CodePoints.Compare(Pattern.Value, other.Pattern.Value), PrecedenceRule.PatternOrder);
        rule = decision.Order == 0 ? PrecedenceRule.None : decision.Rule;
        return decision.Order;
    }

    private bool IsName => Pattern.WildcardCount == 0;
}
