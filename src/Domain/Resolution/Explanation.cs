namespace Secrets.Domain.Resolution;

/// <summary>Whether a candidate fills the argument, and if not, why.</summary>
public enum Verdict
{
    /// <summary>Fills the argument.</summary>
    Wins,

    /// <summary>The pattern does not match the tool.</summary>
    ToolNotMatched,

    /// <summary>The workspace rule does not admit the workspace.</summary>
    WorkspaceNotAdmitted,

    /// <summary>Another candidate takes precedence.</summary>
    ComesLater,
}

/// <summary>A candidate with its verdict.</summary>
/// <param name="Candidate">The candidate.</param>
/// <param name="Matches">Whether the pattern matches the tool.</param>
/// <param name="Verdict">The verdict.</param>
/// <param name="Rule">The rule by which the winner takes precedence, for <see cref="Verdict.ComesLater"/>.</param>
public sealed record WeighedCandidate(Candidate Candidate, bool Matches, Verdict Verdict, PrecedenceRule Rule = PrecedenceRule.None);

/// <summary>Explains how an argument is filled.</summary>
/// <param name="Selection">The selection, the same as for a real call.</param>
/// <param name="Candidates">All candidates, in the order of precedence.</param>
public sealed record Explanation(Selection Selection, IReadOnlyList<WeighedCandidate> Candidates)
{
    /// <summary>One explanation for each selection of <see cref="Selection.ForCall"/>.</summary>
    public static IReadOnlyList<Explanation> ForCall(ToolCall call, OwnerCandidates user, OwnerCandidates organization) =>
    [
        .. Selection.ForCall(call, user, organization).Select(selection => new Explanation(
            selection,
            selection.Source == SelectionSource.Reference
                ? WeighNamed(call.References[selection.Argument], call, user, organization)
                : WeighDefaults(selection, call, user, organization))),
    ];

    private static IReadOnlyList<WeighedCandidate> WeighDefaults(
        Selection selection, ToolCall call, OwnerCandidates user, OwnerCandidates organization) =>
    [
        .. user.DefaultsFor(selection.Argument).Concat(organization.DefaultsFor(selection.Argument)).Select(candidate =>
        {
            if (selection.Winner is not { } winner || ReferenceEquals(candidate, winner) || !candidate.Serves(call))
            {
                return Weigh(candidate, call);
            }

            winner.Precedence.CompareWith(candidate.Precedence, out var rule);
            return new WeighedCandidate(candidate, Matches: true, Verdict.ComesLater, rule);
        }),
    ];

    private static IReadOnlyList<WeighedCandidate> WeighNamed(
        string name, ToolCall call, OwnerCandidates user, OwnerCandidates organization)
    {
        var (own, shared) = (user.Named(name), organization.Named(name));
        if ((own ?? shared) is not { } first)
        {
            return [];
        }

        return own is null || shared is null
            ? [Weigh(first, call)]
            : [Weigh(first, call), new WeighedCandidate(shared, shared.Matches(call.ToolName), Verdict.ComesLater, PrecedenceRule.UserBeforeOrganization)];
    }

    private static WeighedCandidate Weigh(Candidate candidate, ToolCall call)
    {
        var matches = candidate.Matches(call.ToolName);
        return new WeighedCandidate(
            candidate,
            matches,
            !matches ? Verdict.ToolNotMatched : candidate.Admits(call.Workspace) ? Verdict.Wins : Verdict.WorkspaceNotAdmitted);
    }
}
