using System.Globalization;
using System.Security.Cryptography;

namespace Secrets.EmbeddedPostgres;

/// <summary>
/// User ids that no account has. Under root, each cluster gets one at random, and its server runs under that id. Programs of <c>nobody</c> and servers of
/// other data directories then can neither read its files nor signal it.
/// </summary>
internal static class PrivateIds
{
    // Both ranges are unassigned (systemd, "Users, Groups, UIDs and GIDs on systemd Systems"). The first lies above the ids of containers and below 2^31.
    // A container with a user namespace of its own may have only the first 65,536 ids: the second lies between the ids of homes and those of services.
    private static readonly (uint First, uint Last)[] Ranges = [(1_879_048_192, 2_147_483_646), (60_578, 61_183)];

    /// <summary>A random id; null if this user namespace has none of them.</summary>
    public static uint? New()
    {
        foreach (var (first, last) in Ranges)
        {
            if (!IsMapped(first) || !IsMapped(last))
            {
                continue;
            }

            while (true)
            {
                var id = first + (uint)RandomNumberGenerator.GetInt32((int)(last - first + 1));
                if (!IsAccount(id))
                {
                    return id;
                }
            }
        }

        return null;
    }

    /// <summary>Whether an id lies in the ranges and belongs to no account.</summary>
    public static bool Contains(uint id) => Array.Exists(Ranges, range => id >= range.First && id <= range.Last) && !IsAccount(id);

    /// <summary>Whether the id exists in this user namespace. Files from outside the namespace are shown with an owner that does not.</summary>
    public static bool IsMapped(uint id)
    {
        const string Map = "/proc/self/uid_map";
        return !File.Exists(Map) || File.ReadLines(Map)
            .Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            .Any(extent => Number(extent[0]) <= id && id - Number(extent[0]) < Number(extent[2]));
    }

    private static bool IsAccount(uint id)
    {
        const string Accounts = "/etc/passwd";
        var text = id.ToString(CultureInfo.InvariantCulture);
        return File.Exists(Accounts) && File.ReadLines(Accounts)
            .Any(line => line.Split(':') is [_, _, var other, ..] && string.Equals(other, text, StringComparison.Ordinal));
    }

    private static long Number(string text) => long.Parse(text, NumberStyles.None, CultureInfo.InvariantCulture);
}
