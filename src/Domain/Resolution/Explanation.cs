namespace Secrets.Domain.Resolution;

/// <summary>What became of a candidate.</summary>
public enum Verdict
{
    /// <summary>It fills the argument.</summary>
    Wins,

    /// <summary>Its pattern does not match the tool.</summary>
    ToolNotMatched,

    /// <summary>Its workspace rule does not admit the workspace.</summary>
    WorkspaceNotAdmitted,

    /// <summary>Another comes before it.</summary>
    ComesLater,
}

/// <summary>A candidate and what became of it.</summary>
/// <param name="Candidate">The candidate.</param>
/// <param name="Matches">Whether it may serve the tool.</param>
/// <param name="Verdict">What became of it.</param>
/// <param name="Rule">Why the winner comes before it, where it comes later.</param>
public sealed record WeighedCandidate(Candidate Candidate, bool Matches, Verdict Verdict, PrecedenceRule Rule = PrecedenceRule.None);

/// <summary>Why an argument is filled as it is.</summary>
/// <param name="Selection">What fills it; the same that a call would get.</param>
/// <param name="Candidates">All that were looked at, in the order in which they were.</param>
public sealed record Explanation(Selection Selection, IReadOnlyList<WeighedCandidate> Candidates)
{
    /// <summary>One for each selection (<see cref="Selection.ForCall"/>).</summary>
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
