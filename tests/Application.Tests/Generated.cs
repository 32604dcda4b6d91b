using FsCheck;
using FsCheck.Fluent;

namespace Secrets.Application.Tests;

/// <summary>Properties over generated cases, and what they are generated from.</summary>
internal static class Generated
{
    /// <summary>Checks a property on generated cases; the message of a failure shows the case.</summary>
    public static void ForAll<T>(Gen<T> cases, Action<T> check, int count = 1_000) =>
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(count).WithQuietOnSuccess(true), Prop.ForAll(cases.ToArbitrary(), check));

    /// <inheritdoc cref="ForAll" />
    public static void ForAllAsync<T>(Gen<T> cases, Func<T, Task> check, int count = 100) =>
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(count).WithQuietOnSuccess(true), Prop.ForAll(cases.ToArbitrary(), check));

    /// <summary>Any 64 bits.</summary>
    public static Gen<long> Long() =>
        from high in Gen.Choose(int.MinValue, int.MaxValue)
        from low in Gen.Choose(int.MinValue, int.MaxValue)
        select ((long)high << 32) | (uint)low;

    public static Gen<Guid> Uuid() => Bytes(16, 16).Select(bytes => new Guid(bytes));

    public static Gen<byte[]> Bytes(int minimum, int maximum) =>
        from count in Gen.Choose(minimum, maximum)
        from bytes in Gen.Choose(0, 255).ArrayOf(count)
        select bytes.Select(value => (byte)value).ToArray();

    public static Gen<string> TextOf(string characters, int minimum, int maximum) =>
        from count in Gen.Choose(minimum, maximum)
        from text in Gen.Elements(characters.ToCharArray()).ArrayOf(count)
        select new string(text);
}
