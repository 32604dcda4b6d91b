using FsCheck;
using FsCheck.Fluent;

namespace Secrets.Tests;

/// <summary>Generators of cursors, and asynchronous properties.</summary>
internal static partial class Generated
{
    /// <inheritdoc cref="ForAll" />
    public static void ForAllAsync<T>(Gen<T> cases, Func<T, Task> check, int count = 100) =>
        Check.One(Of(count), Prop.ForAll(cases.ToArbitrary(), check));

    public static Gen<long> Long() =>
        from high in Gen.Choose(int.MinValue, int.MaxValue)
        from low in Gen.Choose(int.MinValue, int.MaxValue)
        select ((long)high << 32) | (uint)low;

    public static Gen<string> TextOf(string characters, int minimum, int maximum) =>
        from count in Gen.Choose(minimum, maximum)
        from text in Gen.Elements(characters.ToCharArray()).ArrayOf(count)
        select new string(text);
}
