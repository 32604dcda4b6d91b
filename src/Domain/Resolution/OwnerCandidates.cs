namespace Secrets.Domain.Resolution;

/// <summary>One owner's secrets, arranged for selection. Immutable, so concurrent calls may share one instance. The order of the rows has no effect.</summary>
public sealed class OwnerCandidates
{
    // Declared before None, whose initialiser uses it.
    private static readonly Comparer<Candidate> ByArgument = Comparer<Candidate>.Create(static (one, other) =>
        CodePoints.Compare(ArgumentOf(one), ArgumentOf(other)) is var order and not 0 ? order : Precedence.Order.Compare(one.Precedence, other.Precedence));

    /// <summary>No secrets.</summary>
    public static readonly OwnerCandidates None = new([]);

    private readonly Dictionary<string, Candidate> _byName = new(StringComparer.Ordinal);

    // Grouped by argument, the highest precedence first.
    private readonly Candidate[] _defaults;

    /// <summary>Arranges candidates of one owner. The database allows one default for each pattern and argument.</summary>
    public OwnerCandidates(IEnumerable<Candidate> candidates)
    {
        var defaults = new List<Candidate>();
        foreach (var candidate in candidates)
        {
            // A secret found twice counts once. Two secrets of one name exist only in a manipulated database: either will do,
            // because the manipulated one does not open.
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

    /// <summary>The arguments that have a default, in the order of code points.</summary>
    public IEnumerable<string> Arguments => _defaults.Select(ArgumentOf).Distinct(StringComparer.Ordinal);

    /// <summary>The defaults for an argument. The first one that serves a call wins.</summary>
    public IReadOnlyList<Candidate> DefaultsFor(string argument) => RangeOf(argument);

    /// <summary>The default that a call gets for an argument; null: none.</summary>
    public Candidate? DefaultFor(string argument, ToolCall call)
    {
        foreach (var candidate in RangeOf(argument))
        {
            if (candidate.Serves(call))
            {
                return candidate;
            }
        }

        return null;
    }

    /// <summary>The secret of that name; null: none.</summary>
    public Candidate? Named(string name) => _byName.GetValueOrDefault(name);

    /// <summary>Only the secrets that may be used in a workspace.</summary>
    public OwnerCandidates AdmittedTo(string? workspace) => new(_byName.Values.Where(candidate => candidate.Admits(workspace)));

    private static string ArgumentOf(Candidate candidate) => candidate.Placement.Binding.ToolArg!;

    private ArraySegment<Candidate> RangeOf(string argument)
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
