using Secrets.Domain.Resolution;

namespace Secrets.Api.V1;

/// <summary>The rules of precedence in words for people.</summary>
internal static class PrecedenceWords
{
    public static string For(PrecedenceRule rule) => rule switch
    {
        PrecedenceRule.UserBeforeOrganization => "a user's own default comes before an organisation's",
        PrecedenceRule.NameBeforePattern => "the name of one tool comes before any pattern",
        PrecedenceRule.MoreLiterals => "the pattern with more literal characters comes first",
        PrecedenceRule.FewerWildcards => "the pattern with fewer wildcards comes first",
        PrecedenceRule.PatternOrder => "of equally specific patterns the first in the order of characters wins",
        PrecedenceRule.None => "they are the same",
        _ => throw new ArgumentOutOfRangeException(nameof(rule)),
    };
}
