using FsCheck;
using FsCheck.Fluent;
using Secrets.Domain.Secrets;

namespace Secrets.Infrastructure.Tests.Encryption;

/// <summary>Properties over generated cases, and what they are generated from.</summary>
internal static class Generated
{
    private static readonly Gen<string> CodePoints = Gen.Frequency(
        (6, Between(0x20, 0x7E)),
        (2, Between(0x01, 0xD7FF)),
        (1, Between(0xE000, 0xFFFF)),
        (2, Between(0x10000, 0x10FFFF)));

    /// <summary>Checks a property on generated cases; the message of a failure shows the case.</summary>
    public static void ForAll<T>(Gen<T> cases, Action<T> check, int count = 1_000) =>
        Check.One(Of(count), Prop.ForAll(cases.ToArbitrary(), check));

    /// <summary>Any text that can be stored.</summary>
    public static Gen<string> Text(int minimum, int maximum) => Concat(CodePoints, minimum, maximum);

    public static Gen<byte[]> Bytes(int minimum, int maximum) =>
        from count in Gen.Choose(minimum, maximum)
        from bytes in Gen.Choose(0, 255).ArrayOf(count)
        select bytes.Select(value => (byte)value).ToArray();

    public static Gen<byte[]> Key() => Bytes(32, 32);

    public static Gen<Guid> Uuid() => Bytes(16, 16).Select(bytes => new Guid(bytes));

    /// <summary>Any placement, the texts as long as they may be.</summary>
    public static Gen<Placement> Placement() => Placement(
        Text(1, 40), Uuid(), Gen.OneOf(Text(1, 60), Text(1024, 1024)), Gen.Choose(1, int.MaxValue));

    /// <summary>Placements of so little variety that two made apart are often equal, or the same texts cut in other places.</summary>
    public static Gen<Placement> NarrowPlacement() => Placement(
        Concat(Gen.Constant("a"), 1, 2),
        Gen.Elements(new Guid("00000000-0000-0000-0000-000000000001"), new Guid("00000000-0000-0000-0000-000000000002")),
        Concat(Gen.Constant("a"), 0, 2),
        Gen.Choose(1, 2));

    private static Config Of(int count) => Config.QuickThrowOnFailure.WithMaxTest(count).WithQuietOnSuccess(true);

    private static Gen<Placement> Placement(Gen<string> owner, Gen<Guid> secretId, Gen<string> text, Gen<int> version) =>
        from kind in Gen.Elements(OwnerKind.User, OwnerKind.Organization)
        from ownerId in owner
        from id in secretId
        from name in text
        from tool in text.OrNull()
        from arg in text.OrNull()
        from isDefault in Gen.Elements(false, true)
        from rule in Gen.Elements(WorkspaceRule.All, WorkspaceRule.Some, WorkspaceRule.None)
        from workspaces in text.ListOf(2)
        from number in version
        select new Placement(new SecretOwner(kind, ownerId), id, name, new ToolBinding(tool, arg, isDefault), new WorkspaceAccess(rule, workspaces), number);

    private static Gen<string> Concat(Gen<string> parts, int minimum, int maximum) =>
        from count in Gen.Choose(minimum, maximum)
        from text in parts.ArrayOf(count)
        select string.Concat(text);

    private static Gen<string> Between(int first, int last) => Gen.Choose(first, last).Select(char.ConvertFromUtf32);
}
