using FsCheck;
using FsCheck.Fluent;

namespace Secrets.Tests;

/// <summary>Property tests and generators. Each project that compiles this file adds its own generators.</summary>
internal static partial class Generated
{
    private static readonly Gen<string> CodePoints = Gen.Frequency(
        (6, Between(0x20, 0x7E)),
        (2, Between(0x01, 0xD7FF)),
        (1, Between(0xE000, 0xFFFF)),
        (2, Between(0x10000, 0x10FFFF)));

    /// <summary>Checks a property on generated cases. A failure shows the case.</summary>
    public static void ForAll<T>(Gen<T> cases, Action<T> check, int count = 1_000) =>
        Check.One(Of(count), Prop.ForAll(cases.ToArbitrary(), check));

    /// <summary>A text that can be stored.</summary>
    public static Gen<string> Text(int minimum, int maximum) => Concat(CodePoints, minimum, maximum);

    public static Gen<byte[]> Bytes(int minimum, int maximum) =>
        from count in Gen.Choose(minimum, maximum)
        from bytes in Gen.Choose(0, 255).ArrayOf(count)
        select bytes.Select(value => (byte)value).ToArray();

    public static Gen<Guid> Uuid() => Bytes(16, 16).Select(bytes => new Guid(bytes));

    private static Config Of(int count) => Config.QuickThrowOnFailure.WithMaxTest(count).WithQuietOnSuccess(true);

    private static Gen<string> Concat(Gen<string> parts, int minimum, int maximum) =>
        from count in Gen.Choose(minimum, maximum)
        from text in parts.ArrayOf(count)
        select string.Concat(text);

    private static Gen<string> Between(int first, int last) => Gen.Choose(first, last).Select(char.ConvertFromUtf32);
}
