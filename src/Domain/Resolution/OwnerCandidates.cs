namespace Secrets.Domain.Resolution;

/// <summary>
/// One owner's secrets, arranged for selection. It is built once from rows and never changes, so any number of calls may share it;
/// the order of the rows leaves no trace in it.
/// </summary>
public sealed class OwnerCandidates
{
    /// <summary>Those of an owner who has nothing, or of no owner.</summary>
    public static readonly OwnerCandidates None = new([]);

    private readonly Dictionary<string, Candidate> _byName = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Candidate[]> _byArgument = new(StringComparer.Ordinal);
    private readonly string[] _arguments;

    /// <summary>Arranges candidates of one owner, who has no two defaults of one pattern and argument.</summary>
    public OwnerCandidates(IEnumerable<Candidate> candidates)
    {
        var defaults = new Dictionary<string, List<Candidate>>(StringComparer.Ordinal);
        foreach (var candidate in candidates)
        {
            // What was found in two ways counts once. Two of one name exist only where somebody edited the database: either will do,
            // the edited one does not open.
            if (!_byName.TryAdd(candidate.Placement.Name, candidate)
                && _byName[candidate.Placement.Name].Placement.SecretId == candidate.Placement.SecretId)
            {
                continue;
            }

            if (candidate.Placement.Binding is { IsDefault: true, ToolName: not null, ToolArg: { } argument })
            {
                if (!defaults.TryGetValue(argument, out var rivals))
                {
                    defaults.Add(argument, rivals = []);
                }

                rivals.Add(candidate);
            }
        }

        foreach (var (argument, rivals) in defaults)
        {
            rivals.Sort(static (one, other) => Precedence.Order.Compare(one.Precedence, other.Precedence));
            _byArgument.Add(argument, [.. rivals]);
        }

        _arguments = [.. defaults.Keys];
        Array.Sort(_arguments, CodePoints.Compare);
    }

    /// <summary>The arguments for which there is a default, in the order of code points.</summary>
    public IReadOnlyList<string> Arguments => _arguments;

    /// <summary>The defaults for an argument; of those that serve a call the first wins.</summary>
    public IReadOnlyList<Candidate> DefaultsFor(string argument) => Rivals(argument);

    /// <summary>The default that a call gets for an argument.</summary>
    public Candidate? DefaultFor(string argument, ToolCall call)
    {
        foreach (var candidate in Rivals(argument))
        {
            if (candidate.Serves(call))
            {
                return candidate;
            }
        }

        return null;
    }

    /// <summary>The secret of that name.</summary>
    public Candidate? Named(string name) => _byName.GetValueOrDefault(name);

    /// <summary>Only what may be used in a workspace.</summary>
    public OwnerCandidates AdmittedTo(string? workspace) => new(_byName.Values.Where(candidate => candidate.Admits(workspace)));

    private Candidate[] Rivals(string argument) => _byArgument.GetValueOrDefault(argument) ?? [];
}
