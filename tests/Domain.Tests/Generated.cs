using FsCheck;
using FsCheck.Fluent;
using Secrets.Domain.Secrets;

namespace Secrets.Domain.Tests;

/// <summary>Properties over generated cases, and what they are generated from.</summary>
internal static class Generated
{
    /// <summary>
    /// What patterns and names are made of. There is little of it, so that a pattern and a name that were made apart still
    /// meet, and all that SQL, globs and regular expressions treat specially is in it.
    /// </summary>
    private static readonly Gen<string> PatternParts = Gen.Frequency(
        (8, Gen.Constant("a")),
        (5, Gen.Constant("*")),
        (4, Gen.Constant("b")),
        (4, Gen.Elements("_", "%", "?", "[", "]", ".", "\\", "A", "B", "é", "\U0001F511")));

    private static readonly Gen<string> CodePoints = Gen.Frequency(
        (6, Between(0x20, 0x7E)),
        (2, Between(0x01, 0xD7FF)),
        (1, Between(0xE000, 0xFFFF)),
        (2, Between(0x10000, 0x10FFFF)));

    /// <summary>Checks a property on generated cases; the message of a failure shows the case.</summary>
    public static void ForAll<T>(Gen<T> cases, Action<T> check, int count = 1_000) =>
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(count).WithQuietOnSuccess(true), Prop.ForAll(cases.ToArbitrary(), check));

    /// <summary>The same for a text and another, which a failure shows as short as they can be.</summary>
    public static void ForAllPairs(Gen<(string First, string Second)> cases, Action<string, string> check, int count) => Check.One(
        Config.QuickThrowOnFailure.WithMaxTest(count).WithQuietOnSuccess(true),
        Prop.ForAll(Arb.From(cases, Shorter), pair => check(pair.First, pair.Second)));

    /// <summary>Any text that can be stored.</summary>
    public static Gen<string> Text(int minimum, int maximum) => Concat(CodePoints, minimum, maximum);

    /// <summary>Any value of that many code points.</summary>
    public static Gen<SecretValue> Value(int minimum, int maximum) => Text(minimum, maximum).Select(text => new SecretValue(text));

    /// <summary>UTF-16 as it comes: pairs, unpaired halves and U+0000 in between.</summary>
    public static Gen<string> Utf16() =>
        Concat(Gen.Elements("a", "\0", "\uD83D", "\uDD11", "\uD83D\uDD11", "\uD800", "\uDFFF", "\uD7FF", "\uE000", "\uFFFF"), 0, 6);

    /// <summary>
    /// A pattern and a name: made apart, or the name made from the pattern by filling its wildcards, with now and then one thing changed.
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

    private static Gen<string> Concat(Gen<string> parts, int minimum, int maximum) =>
        from count in Gen.Choose(minimum, maximum)
        from text in parts.ArrayOf(count)
        select string.Concat(text);

    private static Gen<string> Between(int first, int last) => Gen.Choose(first, last).Select(char.ConvertFromUtf32);

    private static IEnumerable<string> Pieces(string text) => text.EnumerateRunes().Select(rune => rune.ToString());

    private static IEnumerable<(string First, string Second)> Shorter((string First, string Second) pair) =>
        Shorter(pair.First).Select(first => (first, pair.Second)).Concat(Shorter(pair.Second).Select(second => (pair.First, second)));

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
