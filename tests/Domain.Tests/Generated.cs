using FsCheck;
using FsCheck.Fluent;
using Secrets.Domain.Secrets;

namespace Secrets.Tests;

/// <summary>Generators of tool patterns, tool names and values.</summary>
internal static partial class Generated
{
    /// <summary>
    /// The parts of patterns and names. The set is small, so that independent patterns and names often match. It includes the special
    /// characters of SQL, globs and regular expressions.
    /// </summary>
    private static readonly Gen<string> PatternParts = Gen.Frequency(
        (8, Gen.Constant("a")),
        (5, Gen.Constant("*")),
        (4, Gen.Constant("b")),
        (4, Gen.Elements("_", "%", "?", "[", "]", ".", "\\", "A", "B", "é", "\U0001F511")));

    /// <summary><see cref="ForAll"/> for two texts. A failure shows shrunken texts.</summary>
    public static void ForAllPairs(Gen<(string First, string Second)> cases, Action<string, string> check, int count) => Check.One(
        Of(count),
        Prop.ForAll(Arb.From(cases, Shorter), pair => check(pair.First, pair.Second)));

    /// <summary>A value of <paramref name="minimum"/> to <paramref name="maximum"/> code points.</summary>
    public static Gen<SecretValue> Value(int minimum, int maximum) => Text(minimum, maximum).Select(text => Values.Of(text));

    /// <summary>Arbitrary UTF-16, with surrogate pairs, unpaired surrogates and U+0000.</summary>
    public static Gen<string> Utf16() =>
        Concat(Gen.Elements("a", "\0", "\uD83D", "\uDD11", "\uD83D\uDD11", "\uD800", "\uDFFF", "\uD7FF", "\uE000", "\uFFFF"), 0, 6);

    /// <summary>
    /// A pattern and a name. The two are independent, or the name fills the wildcards of the pattern, sometimes with one edit.
    /// </summary>
    public static Gen<(string Pattern, string Name)> PatternAndName() => Gen.Frequency(
        (2, from pattern in Pattern() from name in Concat(PatternParts, 0, 6) select (pattern, name)),
        (2, from pattern in Pattern() from name in Filling(pattern) select (pattern, name)),
        (2, from pattern in Pattern() from name in Filling(pattern) from changed in Changing(name) select (pattern, changed)));

    private static Gen<string> Pattern() => Concat(PatternParts, 1, 7);

    private static Gen<string> Filling(string pattern) => Gen
        .CollectToArray(Pieces(pattern), piece => piece == "*" ? Concat(PatternParts, 0, 3) : Gen.Constant(piece))
        .Select(string.Concat);

    private static Gen<string> Changing(string name)
    {
        var pieces = Pieces(name).ToArray();
        return from at in Gen.Choose(0, pieces.Length)
               from removed in Gen.Choose(0, 1)
               from added in Concat(PatternParts, 0, 1)
               select string.Concat(pieces[..at]) + added + string.Concat(pieces.Skip(at + removed));
    }

    private static IEnumerable<string> Pieces(string text) => text.EnumerateRunes().Select(rune => rune.ToString());

    private static IEnumerable<(string First, string Second)> Shorter((string First, string Second) pair) =>
        Shorter(pair.First).Select(first => (first, pair.Second))
            .Concat(Shorter(pair.Second).Select(second => (pair.First, second)));

    private static IEnumerable<string> Shorter(string text)
    {
        var at = 0;
        foreach (var rune in text.EnumerateRunes())
        {
            yield return text.Remove(at, rune.Utf16SequenceLength);
            at += rune.Utf16SequenceLength;
        }
    }
}
