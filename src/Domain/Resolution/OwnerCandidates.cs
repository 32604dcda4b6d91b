namespace Secrets.Domain.Resolution;

/// <summary>
/// One owner's secrets, arranged for selection. It is built once from rows and never changes, so any number of calls may share it;
/// the order of the rows leaves no trace in it.
/// </summary>
public sealed class OwnerCandidates
{
    // In front of None, which is made with it.
    private static readonly Comparer<Candidate> ByArgument = Comparer<Candidate>.Create(static (one, other) =>
        CodePoints.Compare(ArgumentOf(one), ArgumentOf(other)) is var order and not 0 ? order : Precedence.Order.Compare(one.Precedence, other.Precedence));

    /// <summary>Those of an owner who has nothing, or of no owner.</summary>
    public static readonly OwnerCandidates None = new([]);

    private readonly Dictionary<string, Candidate> _byName = new(StringComparer.Ordinal);

    // Those for one argument stand together, the one that comes first at the front.
    private readonly Candidate[] _defaults;

    /// <summary>Arranges candidates of one owner, who has no two defaults of one pattern and argument.</summary>
    public OwnerCandidates(IEnumerable<Candidate> candidates)
    {
        var defaults = new List<Candidate>();
        foreach (var candidate in candidates)
        {
            // What was found in two ways counts once. Two of one name exist only where somebody edited the database: either will do,
            // the edited one does not open.
            if (!_byName.TryAdd(candidate.Placement.Name, candidate)
                && _byName[candidate.Placement.Name].Placement.SecretId == candidate.Placement.SecretId)
            {
                continue;
            }

            if (candidate.Placement.Binding is { IsDefault: true, ToolName: not null, ToolArg: not null })
            {
                defaults.Add(candidate);
            }
        }

        defaults.Sort(ByArgument);
        _defaults = [.. defaults];
    }

    /// <summary>The arguments for which there is a default, in the order of code points.</summary>
    public IEnumerable<string> Arguments => _defaults.Select(ArgumentOf).Distinct(StringComparer.Ordinal);

    /// <summary>The defaults for an argument; of those that serve a call the first wins.</summary>
    public IReadOnlyList<Candidate> DefaultsFor(string argument) => OverlapCandidates(argument);

    /// <summary>The default that a call gets for an argument.</summary>
    public Candidate? DefaultFor(string argument, ToolCall call)
    {
        foreach (var candidate in OverlapCandidates(argument))
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

    private static string ArgumentOf(Candidate candidate) => candidate.Placement.Binding.ToolArg!;

    private ArraySegment<Candidate> OverlapCandidates(string argument)
    {
        var (start, end) = (0, _defaults.Length);
        while (start < end)
        {
            var middle = (start + end) / 2;
            (start, end) = CodePoints.Compare(ArgumentOf(_defaults[middle]), argument) < 0 ? (middle + 1, end) : (start, middle);
        }

        while (end < _defaults.Length && string.Equals(ArgumentOf(_defaults[end]), argument, StringComparison.Ordinal))
        {
            end++;
        }

        return new ArraySegment<Candidate>(_defaults, start, end - start);
    }
}
