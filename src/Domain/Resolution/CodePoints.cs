namespace Secrets.Domain.Resolution;

/// <summary>Orders texts by code point: the same order as UTF-8 bytes and binary collations.</summary>
internal static class CodePoints
{
    public static Comparer<string> Order { get; } = Comparer<string>.Create(Compare);

    /// <summary>Compares two well-formed texts.</summary>
    /// <remarks>.NET's ordinal comparison orders UTF-16 units. There, U+10000 and above come before U+E000 to U+FFFF.</remarks>
    public static int Compare(string one, string other)
    {
        var common = one.AsSpan().CommonPrefixLength(other);
        return common == one.Length || common == other.Length
            ? one.Length.CompareTo(other.Length)
            : Rank(one[common]).CompareTo(Rank(other[common]));
    }

    private static int Rank(char unit) => char.IsSurrogate(unit) ? unit + char.MaxValue : unit;
}
