using Secrets.Domain.Resolution;

namespace Secrets.Application.Secrets;

/// <summary>A stored secret, with warnings about defaults that overlap with it.</summary>
public sealed record SecretWithWarnings(SecretDetails Secret, IReadOnlyList<OverlapWarning> Warnings);

/// <summary>Another default for the same argument that matches some of the same tools.</summary>
/// <param name="Shadows">Whether the stored secret takes precedence over the other one, or the reverse.</param>
/// <param name="SecretId">The other secret.</param>
/// <param name="SecretName">The other's name.</param>
/// <param name="ToolName">The other's pattern.</param>
/// <param name="Example">A shortest tool name that both match.</param>
/// <param name="Rule">The rule that decides.</param>
public sealed record OverlapWarning(
    bool Shadows, Guid SecretId, string SecretName, string ToolName, string Example, PrecedenceRule Rule);

/// <summary>
/// Warns the owner of a new default about others that overlap with it. The work is bounded, so an owner with very many or very long
/// patterns may not see all warnings.
/// </summary>
internal static class OverlapAdvice
{
    private const int MaxWarnings = 20;

    // Table cells of Overlap.Witness over all comparisons: some milliseconds.
    private const long MaxWork = 4_000_000;

    /// <summary>
    /// The other defaults that a stored one may overlap with. The names of two tools never overlap, so a name is compared with patterns only.
    /// Call while the owner is locked.
    /// </summary>
    public static async Task<IReadOnlyList<OverlapCandidate>> FindOverlapCandidatesAsync(
        this IQueryable<Secret> secrets, Secret stored, CancellationToken cancellationToken)
    {
        if (stored.ArgKey is not { } key)
        {
            return [];
        }

        var others = secrets.OwnedBy(stored.Owner).Where(secret => secret.Id != stored.Id);
        return await (stored.PatternArgKey is null
                ? others.Where(secret => secret.PatternArgKey == key)
                : others.Where(secret => secret.ArgKey == key))
            .OrderBy(secret => secret.Id)
            .Take(OverlapCandidate.MaxCount)
            .Select(secret => new OverlapCandidate(secret.Id, secret.Name, secret.ToolName!))
            .ToListAsync(cancellationToken);
    }

    /// <summary>The warnings for a stored default.</summary>
    public static IReadOnlyList<OverlapWarning> Compare(Secret stored, IReadOnlyList<OverlapCandidate> overlapCandidates)
    {
        var warnings = new List<OverlapWarning>();
        var work = MaxWork;
        foreach (var overlapCandidate in overlapCandidates)
        {
            var (own, other) = (new ToolPattern(stored.ToolName!), new ToolPattern(overlapCandidate.ToolName));
            work -= (long)own.Value.Length * other.Value.Length;
            if (work < 0 || warnings.Count == MaxWarnings)
            {
                break;
            }

            if (Overlap.Witness(own, other) is { } example)
            {
                var order = new Precedence(stored.OwnerKind, own).CompareWith(new Precedence(stored.OwnerKind, other), out var rule);
                warnings.Add(new OverlapWarning(order < 0, overlapCandidate.Id, overlapCandidate.Name, overlapCandidate.ToolName, example, rule));
            }
        }

        return warnings;
    }
}
