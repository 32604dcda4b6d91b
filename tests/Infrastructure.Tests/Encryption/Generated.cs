using FsCheck;
using FsCheck.Fluent;
using Secrets.Domain.Secrets;

namespace Secrets.Tests;

/// <summary>Generators of keys and placements.</summary>
internal static partial class Generated
{
    public static Gen<byte[]> Key() => Bytes(32, 32);

    /// <summary>Any placement, with texts up to their maximum lengths.</summary>
    public static Gen<Placement> Placement() => Placement(
        Text(1, 40), Uuid(), Gen.OneOf(Text(1, 60), Text(1024, 1024)), Gen.Choose(1, int.MaxValue));

    /// <summary>Placements with so few values that two are often equal, or have the same texts split at other positions.</summary>
    public static Gen<Placement> NarrowPlacement() => Placement(
        Concat(Gen.Constant("a"), 1, 2),
        Gen.Elements(new Guid("00000000-0000-0000-0000-000000000001"), new Guid("00000000-0000-0000-0000-000000000002")),
        Concat(Gen.Constant("a"), 0, 2),
        Gen.Choose(1, 2));

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
}
