namespace Secrets.Domain.Resolution;

/// <summary>The order of texts by code point, which is also the order of their UTF-8 bytes and that of a binary collation.</summary>
internal static class CodePoints
{
    public static Comparer<string> Order { get; } = Comparer<string>.Create(Compare);

    /// <summary>Compares two well-formed texts.</summary>
    /// <remarks>
    /// .NET's ordinal order is that of UTF-16 units, in which the surrogates of U+10000 and above stand before U+E000 to U+FFFF.
    /// </remarks>
    public static int Compare(string one, string other)
    {
        var common = one.AsSpan().CommonPrefixLength(other);
        return common == one.Length || common == other.Length
            ? one.Length.CompareTo(other.Length)
            : Rank(one[common]).CompareTo(Rank(other[common]));
    }

    private static int Rank(char unit) => char.IsSurrogate(unit) ? unit + char.MaxValue : unit;
}
