using System.Data.Common;
using Secrets.Application.Secrets;
using Secrets.Domain.Secrets;

namespace Secrets.Infrastructure.Persistence;

/// <summary>What storing new secrets has in common on every database.</summary>
internal static class NewSecretRows
{
    /// <summary>The one order in which owners are locked.</summary>
    public static IEnumerable<T> InLockOrder<T>(this IEnumerable<T> rows, Func<T, SecretOwner> owner) =>
        rows.OrderBy(row => owner(row).Kind).ThenBy(row => owner(row).Id, StringComparer.Ordinal);

    /// <summary>
    /// One answer for each secret. The reader is at the ids of those that were stored; every result after it is overlapCandidates: of whom, id, name and tool.
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

    /// <summary>The overlapCandidates of each secret, from every result after the one that the reader is at.</summary>
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
