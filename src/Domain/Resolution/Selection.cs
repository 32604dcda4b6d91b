namespace Secrets.Domain.Resolution;

/// <summary>How the secret for an argument is chosen.</summary>
public enum SelectionSource
{
    /// <summary>From the defaults.</summary>
    Default,

    /// <summary>By the name in the call.</summary>
    Reference,
}

/// <summary>The secret that fills an argument of a call.</summary>
/// <param name="Argument">The argument.</param>
/// <param name="Source">How the secret was looked up. If there is no winner, this tells why the argument is missing.</param>
/// <param name="Winner">The secret; null: none, so the argument is missing.</param>
public readonly record struct Selection(string Argument, SelectionSource Source, Candidate? Winner)
{
    /// <summary>
    /// Selects a secret for each requested argument, in the order of the call, then for each further argument in <c>References</c>. If the call requests every
    /// default, arguments are in code-point order. The result depends only on the call and the candidates: not on a clock, a culture, or the order of storage.
    /// </summary>
    /// <param name="call">The call.</param>
    /// <param name="user">The secrets of the user whom the call is for. They take precedence over the organisation's.</param>
    /// <param name="organization">The secrets of the organisation that the call is made in.</param>
    public static IReadOnlyList<Selection> ForCall(ToolCall call, OwnerCandidates user, OwnerCandidates organization)
    {
        var selections = new List<Selection>();
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var argument in call.Arguments ?? ArgumentsOf(user, organization))
        {
            if (seen.Contains(argument))
            {
                continue;
            }

            var selection = FromDefaults(argument, call, user, organization);
            if (call.Arguments is not null || selection.Winner is not null)
            {
                seen.Add(argument);
                selections.Add(call.References.TryGetValue(argument, out var name)
                    ? FromReference(argument, name, call, user, organization)
                    : selection);
            }
        }

        foreach (var (argument, name) in call.References)
        {
            if (seen.Add(argument))
            {
                selections.Add(FromReference(argument, name, call, user, organization));
            }
        }

        return selections;
    }

    private static Selection FromDefaults(string argument, ToolCall call, OwnerCandidates user, OwnerCandidates organization) =>
        new(argument, SelectionSource.Default, user.DefaultFor(argument, call) ?? organization.DefaultFor(argument, call));

    /// <summary>
    /// The user's secret of that name decides, even if it does not serve the call. A fallback to the organisation's secret would be wrong: after the user
    /// changes a pattern, the tool could get another credential with the same name.
    /// </summary>
    private static Selection FromReference(string argument, string name, ToolCall call, OwnerCandidates user, OwnerCandidates organization)
    {
        var named = user.Named(name) ?? organization.Named(name);
        return new Selection(argument, SelectionSource.Reference, named?.Serves(call) == true ? named : null);
    }

    private static IEnumerable<string> ArgumentsOf(OwnerCandidates user, OwnerCandidates organization) =>
        user.Arguments.Union(organization.Arguments, StringComparer.Ordinal).Order(CodePoints.Order);
}
