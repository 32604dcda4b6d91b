using FsCheck.Fluent;
using Secrets.Domain.Secrets;
using Secrets.Infrastructure.Encryption;

namespace Secrets.Infrastructure.Tests.Encryption;

/// <summary>An envelope opens only for the placement that it was sealed for (promise 5).</summary>
public sealed class OpeningElsewhere
{
    private static readonly byte[] Key = [.. Enumerable.Range(0, 32).Select(number => (byte)number)];

    /// <summary>Every field of a placement, with changes that an attacker with SQL access could try.</summary>
    private static readonly Dictionary<string, Func<Placement, Placement>[]> Changes = new(StringComparer.Ordinal)
    {
        ["owner kind"] =
        [
            place => place with { Owner = place.Owner with { Kind = Other(place.Owner.Kind) } },
        ],
        ["owner id"] = ChangesOfText((place, change) => place with { Owner = place.Owner with { Id = change(place.Owner.Id)! } })[1..],
        ["secret id"] =
        [
            place => place with { SecretId = WithOtherByte(place.SecretId, 0) },
            place => place with { SecretId = WithOtherByte(place.SecretId, 15) },
        ],
        ["name"] = ChangesOfText((place, change) => place with { Name = change(place.Name)! })[1..],
        ["tool name"] = ChangesOfText((place, change) =>
            place with { Binding = place.Binding with { ToolName = change(place.Binding.ToolName) } }),
        ["tool argument"] = ChangesOfText((place, change) =>
            place with { Binding = place.Binding with { ToolArg = change(place.Binding.ToolArg) } }),
        ["default flag"] =
        [
            place => place with { Binding = place.Binding with { IsDefault = !place.Binding.IsDefault } },
        ],
        ["workspace rule"] =
        [
            place => place with { Workspaces = new WorkspaceAccess((WorkspaceRule)((((int)place.Workspaces.Rule) % 3) + 1), ["a"]) },
            place => place with { Workspaces = new WorkspaceAccess((WorkspaceRule)((((int)place.Workspaces.Rule + 1) % 3) + 1), []) },
        ],
        ["workspaces"] =
        [
            place => place with { Workspaces = new WorkspaceAccess(WorkspaceRule.Some, [.. place.Workspaces.Names, "one more"]) },
            place => place with { Workspaces = new WorkspaceAccess(WorkspaceRule.Some, [.. place.Workspaces.Names.Skip(1), "another"]) },
            place => place with { Workspaces = new WorkspaceAccess(WorkspaceRule.Some, [string.Concat(place.Workspaces.Names) + "joined"]) },
        ],
        ["version"] =
        [
            place => place with { Version = place.Version - 1 },
            place => place with { Version = unchecked(place.Version + 1) },
            place => place with { Version = place.Version ^ (1 << 31) },
            place => place with { Version = place.Version ^ (1 << 16) },
        ],
    };

    public static TheoryData<string> Fields => [.. Changes.Keys];

    [Theory]
    [MemberData(nameof(Fields))]
    public void A_change_of_one_field_keeps_it_shut(string field) => Generated.ForAll(
        Generated.Placement(),
        placement =>
        {
            var envelope = Seal(placement);
            foreach (var change in Changes[field])
            {
                var changed = change(placement);

                Assert.NotEqual(placement, changed);
                Assert.Null(Envelope.Open(Key, changed, envelope));
            }

            Assert.NotNull(Envelope.Open(Key, placement, envelope));
        },
        200);

    [Fact]
    public void No_field_of_a_placement_is_forgotten() => Assert.Equal(
        [
            "Binding", "IsDefault", "Name", "Owner", "Owner.Id", "Owner.Kind", "SecretId", "ToolArg", "ToolName", "Version",
            "Workspaces", "Workspaces.Names", "Workspaces.Rule",
        ],
        typeof(Placement).GetProperties().Select(property => property.Name)
            .Concat(typeof(ToolBinding).GetProperties().Where(property => property.CanWrite).Select(property => property.Name))
            .Concat(typeof(SecretOwner).GetProperties().Where(property => property.CanWrite).Select(property => $"Owner.{property.Name}"))
            .Concat(typeof(WorkspaceAccess).GetProperties().Select(property => $"Workspaces.{property.Name}"))
            .Order(StringComparer.Ordinal));

    [Theory]
    [InlineData(null, "")]
    [InlineData("", null)]
    [InlineData(null, "null")]
    [InlineData("a", "A")]
    [InlineData("\u00E9", "e\u0301")]
    [InlineData("a", "a ")]
    public void Texts_that_look_alike_are_different_places(string? stored, string? looked)
    {
        var place = Place("name", stored, "arg");
        var elsewhere = Place("name", looked, "arg");

        Assert.Null(Envelope.Open(Key, elsewhere, Seal(place)));
        Assert.NotNull(Envelope.Open(Key, place, Seal(place)));
    }

    [Fact]
    public void Moving_characters_between_neighbouring_fields_keeps_it_shut() => Generated.ForAll(
        from text in Generated.Text(3, 20)
        from one in Gen.Choose(1, text.Length - 1)
        from other in Gen.Choose(1, text.Length - 1)
        where one != other && !char.IsLowSurrogate(text[one]) && !char.IsLowSurrogate(text[other])
        select (One: (Head: text[..one], Tail: text[one..]), Other: (Head: text[..other], Tail: text[other..])),
        cut =>
        {
            (Placement Place, Placement Elsewhere)[] moves =
            [
                (Place(cut.One.Head, cut.One.Tail, "arg"), Place(cut.Other.Head, cut.Other.Tail, "arg")),
                (Place("name", cut.One.Head, cut.One.Tail), Place("name", cut.Other.Head, cut.Other.Tail)),
                (Owned(cut.One.Head, cut.One.Tail), Owned(cut.Other.Head, cut.Other.Tail)),
                (Place("name", cut.One.Head, null), Place("name", null, cut.One.Head)),
                (Place("name", cut.One.Head, cut.One.Tail), Place("name", cut.One.Tail, cut.One.Head)),
            ];
            foreach (var (place, elsewhere) in moves.Where(move => move.Place != move.Elsewhere))
            {
                Assert.Null(Envelope.Open(Key, elsewhere, Seal(place)));
            }
        },
        500);

    [Fact]
    public void One_of_two_places_opens_the_envelope_of_the_other_only_when_they_are_the_same()
    {
        var same = 0;
        Generated.ForAll(
            from place in Generated.NarrowPlacement()
            from elsewhere in Generated.NarrowPlacement()
            from alike in Gen.Choose(0, 9)
            select (Place: place, Elsewhere: alike == 0 ? place with { Name = string.Concat(place.Name) } : elsewhere),
            pair =>
            {
                Assert.Equal(pair.Place == pair.Elsewhere, Envelope.Open(Key, pair.Elsewhere, Seal(pair.Place)) is not null);
                same += pair.Place == pair.Elsewhere ? 1 : 0;
            },
            20_000);

        Assert.InRange(same, 1_000, 19_000);
    }

    [Fact]
    public void Another_key_does_not_open_it() => Generated.ForAll(
        from key in Generated.Key()
        from bit in Gen.Choose(0, 255)
        from placement in Generated.Placement()
        select (Key: key, Bit: bit, Placement: placement),
        given =>
        {
            var envelope = Envelope.Seal(Guid.Empty, given.Key, given.Placement, Values.Of("1234"));
            var wrong = given.Key.ToArray();
            wrong[given.Bit / 8] ^= (byte)(1 << (given.Bit % 8));

            Assert.Null(Envelope.Open(wrong, given.Placement, envelope));
            Assert.NotNull(Envelope.Open(given.Key, given.Placement, envelope));
        });

    private static byte[] Seal(Placement placement) => Envelope.Seal(Guid.Empty, Key, placement, Values.Of("1234"));

    private static Placement Place(string name, string? tool, string? arg) => new(
        SecretOwner.User(Guid.Empty), Guid.Empty, name, new ToolBinding(tool, arg, IsDefault: false), WorkspaceAccess.All, 1);

    private static Placement Owned(string owner, string name) =>
        Place(name, "tool", "arg") with { Owner = new SecretOwner(OwnerKind.Organization, owner) };

    private static OwnerKind Other(OwnerKind kind) => kind == OwnerKind.User ? OwnerKind.Organization : OwnerKind.User;

    private static Guid WithOtherByte(Guid id, int at)
    {
        var bytes = id.ToByteArray(bigEndian: true);
        bytes[at] ^= 1;
        return new Guid(bytes, bigEndian: true);
    }

    private static Func<Placement, Placement>[] ChangesOfText(Func<Placement, Func<string?, string?>, Placement> apply) =>
        [.. Texts().Select(change => (Func<Placement, Placement>)(place => apply(place, change)))];

    /// <summary>Changes of a text. Only the first handles null.</summary>
    private static Func<string?, string?>[] Texts() =>
    [
        text => text is null ? "" : null,
        text => text + "x",
        text => "x" + text,
        text => text + "\0",
        text => text is { Length: > 0 } ? text[..^1] + (char)(text[^1] == 'y' ? 'z' : 'y') : "y",
        text => text is { Length: > 0 } ? "" : "x",
    ];
}
