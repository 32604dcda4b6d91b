using Secrets.Domain.Resolution;

namespace Secrets.Api.V1;

/// <summary>Describes the rules of precedence for people.</summary>
internal static class PrecedenceTexts
{
    public static string For(PrecedenceRule rule) => rule switch
    {
        PrecedenceRule.UserBeforeOrganization => "a user's own default comes before an organisation's",
        PrecedenceRule.NameBeforePattern => "the name of one tool comes before any pattern",
        PrecedenceRule.MoreLiterals => "the pattern with more literal characters comes first",
        PrecedenceRule.FewerWildcards => "the pattern with fewer wildcards comes first",
        PrecedenceRule.PatternOrder => "among equally specific patterns, the first in the order of characters wins",
        PrecedenceRule.None => "both have the same precedence",
        _ => throw new ArgumentOutOfRangeException(nameof(rule)),
    };
}
