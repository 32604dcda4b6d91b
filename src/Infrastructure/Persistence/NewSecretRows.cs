using System.Data.Common;
using Secrets.Application.Secrets;

namespace Secrets.Infrastructure.Persistence;

/// <summary>Code that the stores of new secrets share.</summary>
internal static class NewSecretRows
{
    /// <summary>
    /// Reads one result for each secret. The current result set has the ids of stored secrets; all later ones have overlap candidates:
    /// the new secret's id, the candidate's id, name and tool.
    /// </summary>
    public static async Task<IReadOnlyList<NewSecret?>> ReadAsync(
        DbDataReader reader, Func<DbDataReader, int, Guid> id, IReadOnlyList<Secret> secrets)
    {
        HashSet<Guid> stored = [];
        while (await reader.ReadAsync())
        {
            stored.Add(id(reader, 0));
        }

        var overlapCandidates = await ReadOverlapCandidatesAsync(reader, id);
        return [.. secrets.Select(secret => stored.Contains(secret.Id) ? new NewSecret([.. overlapCandidates[secret.Id]]) : null)];
    }

    /// <summary>Reads the overlap candidates of each secret from all later result sets.</summary>
    public static async Task<ILookup<Guid, OverlapCandidate>> ReadOverlapCandidatesAsync(DbDataReader reader, Func<DbDataReader, int, Guid> id)
    {
        List<(Guid Of, OverlapCandidate OverlapCandidate)> overlapCandidates = [];
        while (await reader.NextResultAsync())
        {
            while (await reader.ReadAsync())
            {
                overlapCandidates.Add((id(reader, 0), new OverlapCandidate(id(reader, 1), reader.GetString(2), reader.GetString(3))));
            }
        }

        return overlapCandidates.ToLookup(row => row.Of, row => row.OverlapCandidate);
    }
}
