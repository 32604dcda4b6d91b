namespace Secrets.Domain.Resolution;

/// <summary>Where the secret for an argument is looked for.</summary>
public enum SelectionSource
{
    /// <summary>Among the defaults.</summary>
    Default,

    /// <summary>By the name that the call gives.</summary>
    Reference,
}

/// <summary>Which secret fills an argument of a call.</summary>
/// <param name="Argument">The argument.</param>
/// <param name="Source">Where the secret was looked for; it says why an argument without a winner is missing.</param>
/// <param name="Winner">The secret; null: none, the argument is missing.</param>
public readonly record struct Selection(string Argument, SelectionSource Source, Candidate? Winner)
{
    /// <summary>
    /// One selection for each argument that is asked for, in that order, then for the references to others. Where every default is asked
    /// for, they come in the order of code points. It looks at nothing but the call and the candidates: not at a clock, a culture, or the
    /// order in which anything was stored.
    /// </summary>
    /// <param name="call">The call.</param>
    /// <param name="user">Those of the user whom the call is for; they come before the organisation's.</param>
    /// <param name="organization">Those of the organisation that the call is made in.</param>
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

            var selection = OfDefaults(argument, call, user, organization);
            if (call.Arguments is not null || selection.Winner is not null)
            {
                seen.Add(argument);
                selections.Add(call.References.TryGetValue(argument, out var name)
                    ? OfReference(argument, name, call, user, organization)
                    : selection);
            }
        }

        foreach (var (argument, name) in call.References)
        {
            if (seen.Add(argument))
            {
                selections.Add(OfReference(argument, name, call, user, organization));
            }
        }

        return selections;
    }

    private static Selection OfDefaults(string argument, ToolCall call, OwnerCandidates user, OwnerCandidates organization) =>
        new(argument, SelectionSource.Default, user.DefaultFor(argument, call) ?? organization.DefaultFor(argument, call));

    /// <summary>
    /// The first owner who has the name decides. Were the organisation asked because the user's own secret does not serve, a change of
    /// that secret's pattern could hand the tool another credential of the same name in silence.
    /// </summary>
    private static Selection OfReference(string argument, string name, ToolCall call, OwnerCandidates user, OwnerCandidates organization)
    {
        var named = user.Named(name) ?? organization.Named(name);
        return new Selection(argument, SelectionSource.Reference, named?.Serves(call) == true ? named : null);
    }

    private static IEnumerable<string> ArgumentsOf(OwnerCandidates user, OwnerCandidates organization) =>
        user.Arguments.Union(organization.Arguments, StringComparer.Ordinal).Order(CodePoints.Order);
}
