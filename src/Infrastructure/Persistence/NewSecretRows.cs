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
    /// One answer for each secret. The reader is at the ids of those that were stored; every result after it is rivals: of whom, id, name and tool.
    /// </summary>
    public static async Task<IReadOnlyList<NewSecret?>> ReadAsync(
        DbDataReader reader, Func<DbDataReader, int, Guid> id, IReadOnlyList<Secret> secrets)
    {
        HashSet<Guid> stored = [];
        while (await reader.ReadAsync())
        {
            stored.Add(id(reader, 0));
        }

        var rivals = await ReadRivalsAsync(reader, id);
        return [.. secrets.Select(secret => stored.Contains(secret.Id) ? new NewSecret([.. rivals[secret.Id]]) : null)];
    }

    /// <summary>The rivals of each secret, from every result after the one that the reader is at.</summary>
    public static async Task<ILookup<Guid, Rival>> ReadRivalsAsync(DbDataReader reader, Func<DbDataReader, int, Guid> id)
    {
        List<(Guid Of, Rival Rival)> rivals = [];
        while (await reader.NextResultAsync())
        {
            while (await reader.ReadAsync())
            {
                rivals.Add((id(reader, 0), new Rival(id(reader, 1), reader.GetString(2), reader.GetString(3))));
            }
        }

        return rivals.ToLookup(row => row.Of, row => row.Rival);
    }
}
