using Secrets.Domain.Resolution;

namespace Secrets.Api.V1;

/// <summary>Describes the results of selection, for people and for programs.</summary>
internal static class ResolutionTexts
{
    public static string For(SelectionSource source) => source == SelectionSource.Reference ? "reference" : "default";

    public static string For(OwnerKind owner) => owner == OwnerKind.User ? "user" : "organization";

    /// <summary>How an argument is filled.</summary>
    public static string RuleOf(Explanation explanation)
    {
        var first = explanation.Candidates.Count > 0 ? explanation.Candidates[0] : null;
        return explanation.Selection switch
        {
            { Source: SelectionSource.Reference, Winner: { } named } =>
                $"the call names this secret, and the {For(named.Placement.Owner.Kind)} has a secret of that name",
            { Source: SelectionSource.Reference } when first is null => "reference unavailable: no secret has this name",
            { Source: SelectionSource.Reference } =>
                $"reference unavailable: {Unfit(first.Verdict)}; neither another secret nor a default takes its place",
            { Winner: null } when first is null => "no default: this argument has none",
            { Winner: null } => "no default: none of the defaults of this argument matches the tool and admits the workspace",
            _ when explanation.Candidates.FirstOrDefault(candidate => candidate.Verdict == Verdict.ComesLater) is { } next =>
                PrecedenceTexts.For(next.Rule),
            _ => "it is the only candidate: no other default of this argument matches the tool and admits the workspace",
        };
    }

    /// <summary>Why a candidate fills the argument or does not.</summary>
    public static string ReasonOf(WeighedCandidate weighed, SelectionSource source) => (weighed.Verdict, source) switch
    {
        (Verdict.Wins, _) => "it fills the argument",
        (Verdict.ComesLater, SelectionSource.Reference) => "the user's own secret of that name decides",
        (Verdict.ComesLater, _) => $"another secret takes precedence: {PrecedenceTexts.For(weighed.Rule)}",
        var (unfit, _) => Unfit(unfit),
    };

    private static string Unfit(Verdict verdict) => verdict switch
    {
        Verdict.ToolNotMatched => "its tool pattern does not match the tool",
        Verdict.WorkspaceNotAdmitted => "its workspace rule does not admit the workspace",
        _ => throw new ArgumentOutOfRangeException(nameof(verdict)),
    };
}
