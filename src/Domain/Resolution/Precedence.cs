using Secrets.Domain.Secrets;

namespace Secrets.Domain.Resolution;

/// <summary>The rule by which one default takes precedence over another. Rules apply in this order.</summary>
public enum PrecedenceRule
{
    /// <summary>Equal precedence.</summary>
    None,

    /// <summary>A user's default before an organisation's.</summary>
    UserBeforeOrganization,

    /// <summary>The name of one tool before any pattern.</summary>
    NameBeforePattern,

    /// <summary>More literal characters before fewer.</summary>
    MoreLiterals,

    /// <summary>Fewer wildcards before more.</summary>
    FewerWildcards,

    /// <summary>The pattern that comes first by code points.</summary>
    PatternOrder,
}

/// <summary>The rank of a default among others of the same argument.</summary>
/// <param name="OwnerKind">The kind of its owner. Only explanations compare owners: <see cref="Selection"/> asks the user's defaults first.</param>
/// <param name="Pattern">Its tool or pattern.</param>
public readonly record struct Precedence(OwnerKind OwnerKind, ToolPattern Pattern)
{
    /// <summary>
    /// A total order: the first wins. The order does not depend on when or where a secret was stored, so every replica
    /// and database selects the same secret. Two defaults of one argument are never equal.
    /// </summary>
    public static Comparer<Precedence> Order { get; } = Comparer<Precedence>.Create((one, other) => one.CompareWith(other, out _));

    /// <summary>Negative: this one takes precedence. Positive: the other does. <paramref name="rule"/> decided.</summary>
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
