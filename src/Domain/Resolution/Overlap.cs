using System.Text;
using Secrets.Domain.Secrets;

namespace Secrets.Domain.Resolution;

/// <summary>Whether two patterns can match the same tool.</summary>
public static class Overlap
{
    private const int Never = int.MaxValue;

    /// <summary>A shortest tool name that both patterns match; null: none of valid length.</summary>
    /// <remarks>
    /// Walks both patterns at once. Two equal literals write one character, and so do a literal and a wildcard. A wildcard may end at any point.
    /// <c>costs[i, j]</c> is the least number of characters still to write. Every step advances in at least one pattern, so the table is filled
    /// from the end. Time and memory grow with the product of the lengths, but most pairs of patterns have different fixed ends and never get here.
    /// </remarks>
    public static string? Witness(ToolPattern one, ToolPattern other)
    {
        var (a, b) = (one.Value, other.Value);
        if (!EndsAgree(a, b))
        {
            return null;
        }

        var costs = new int[a.Length + 1, b.Length + 1];
        for (var i = a.Length; i >= 0; i--)
        {
            for (var j = b.Length; j >= 0; j--)
            {
                costs[i, j] = Best(costs, a, b, i, j).Cost;
            }
        }

        return costs[0, 0] == Never ? null : Write(costs, a, b);
    }

    private static string? Write(int[,] costs, string a, string b)
    {
        var name = new StringBuilder();
        var (i, j) = (0, 0);
        while (i < a.Length || j < b.Length)
        {
            var (_, nextI, nextJ, written) = Best(costs, a, b, i, j);
            (i, j) = (nextI, nextJ);
            if (written is { } unit)
            {
                name.Append(unit);
            }
        }

        // Two patterns of wildcards alone also match the empty name, which no tool has.
        var witness = name.Length == 0 ? "a" : name.ToString();
        return Text.TextLength.Measure(witness) <= ToolPattern.Length.Maximum ? witness : null;
    }

    /// <summary>The cheapest step from a position, with the number of characters still to write.</summary>
    private static (int Cost, int I, int J, char? Written) Best(int[,] costs, string a, string b, int i, int j)
    {
        if (i == a.Length && j == b.Length)
        {
            return (0, i, j, null);
        }

        char? left = i < a.Length ? a[i] : null;
        char? right = j < b.Length ? b[j] : null;
        var best = (Cost: Never, I: i, J: j, Written: (char?)null);
        if (left == ToolPattern.Wildcard)
        {
            Try(i + 1, j, null);
            if (right is { } literal and not ToolPattern.Wildcard)
            {
                Try(i, j + 1, literal);
            }
        }

        if (right == ToolPattern.Wildcard)
        {
            Try(i, j + 1, null);
            if (left is { } literal and not ToolPattern.Wildcard)
            {
                Try(i + 1, j, literal);
            }
        }
        else if (left == right)
        {
            Try(i + 1, j + 1, left);
        }

        return best;

        void Try(int nextI, int nextJ, char? written)
        {
            var rest = costs[nextI, nextJ];
            if (rest == Never)
            {
                return;
            }

            var cost = rest + (written is null ? 0 : 1);
            if (cost < best.Cost)
            {
                best = (cost, nextI, nextJ, written);
            }
        }
    }

    /// <summary>Compares the literals before the first and behind the last wildcard.</summary>
    private static bool EndsAgree(string a, string b)
    {
        var starts = Math.Min(FixedStart(a), FixedStart(b));
        var ends = Math.Min(FixedEnd(a), FixedEnd(b));
        return a.AsSpan(0, starts).SequenceEqual(b.AsSpan(0, starts))
            && a.AsSpan(a.Length - ends).SequenceEqual(b.AsSpan(b.Length - ends));
    }

    private static int FixedStart(string pattern) => pattern.IndexOf(ToolPattern.Wildcard, StringComparison.Ordinal) is var at and >= 0 ? at : pattern.Length;

    private static int FixedEnd(string pattern) => pattern.Length - 1 - pattern.LastIndexOf(ToolPattern.Wildcard);
}
