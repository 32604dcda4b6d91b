using Microsoft.EntityFrameworkCore;
using Secrets.Domain.Resolution;
using Secrets.Domain.Secrets;

namespace Secrets.Application.Secrets;

/// <summary>A secret that was just stored, and what its owner may not have meant.</summary>
public sealed record SecretWithWarnings(SecretDetails Secret, IReadOnlyList<OverlapWarning> Warnings);

/// <summary>Another default for the same argument that matches some of the same tools.</summary>
/// <param name="Shadows">Whether the stored secret comes before the other; else the other comes before it.</param>
/// <param name="SecretId">The other.</param>
/// <param name="SecretName">The other's name.</param>
/// <param name="ToolName">The other's pattern.</param>
/// <param name="Example">A shortest tool name that both match.</param>
/// <param name="Rule">Why one comes before the other.</param>
public sealed record OverlapWarning(
    bool Shadows, Guid SecretId, string SecretName, string ToolName, string Example, PrecedenceRule Rule);

/// <summary>
/// Tells the owner of a new default about others that it overlaps with. Advice: it is bounded, so an owner with very many or very long
/// patterns may not hear about all of them.
/// </summary>
internal static class OverlapAdvice
{
    private const int MaxWarnings = 20;

    // Cells of the tables that comparing two patterns fills; some milliseconds.
    private const long MaxWork = 4_000_000;

    /// <summary>
    /// The other defaults that a stored one may overlap with. Two names of one tool never overlap, so a name is compared with patterns alone.
    /// Read while the owner is locked.
    /// </summary>
    public static async Task<IReadOnlyList<OverlapCandidate>> OverlapCandidatesOfAsync(
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

    /// <summary>What there is to say about a stored default and its overlapCandidates.</summary>
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
