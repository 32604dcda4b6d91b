using FsCheck.Fluent;
using Secrets.Domain.Resolution;
using Secrets.Domain.Secrets;
using Secrets.Infrastructure.Resolution;
using Secrets.TestKit;

namespace Secrets.Infrastructure.Tests.Resolution;

public sealed class PackingSecrets
{
    private static readonly string[] Args = ["a", "b", "A", "\U0001F511", "\uFF5E"];

    [Fact]
    public void Whatever_is_packed_comes_out_as_it_was() => Generated.ForAll(
        Generated.Placement().ListOf(3),
        placements =>
        {
            var owner = placements[0].Owner;
            var secrets = placements.Select((placement, number) => new Candidate(
                placement with { Owner = owner, Name = $"{number}{placement.Name}" }, Enumerable.Range(0, 100 * number).Select(at => (byte)at).ToArray())).ToList();
            var call = new ToolCall("t", [], secrets.ToDictionary(secret => secret.Placement.Name, secret => secret.Placement.Name), null);

            var found = PackedSecrets.Find(PackedSecrets.Pack(secrets), owner, call);

            foreach (var secret in secrets)
            {
                var same = found.Named(secret.Placement.Name);
                Assert.NotNull(same);
                Assert.Equal(secret.Placement, same.Placement);
                Assert.Equal(secret.Envelope, same.Envelope);
            }
        });

    [Fact]
    public void What_is_found_in_it_decides_as_all_of_it_would()
    {
        var cases = new RandomSecrets(new Random(20_261_122));
        var chosen = 0;
        for (var number = 0; number < 2_000; number++)
        {
            var owner = SecretOwner.User(Guid.NewGuid());
            Candidate[] secrets = [.. cases.Secrets(isOwn: false, most: 12, Args).Select(secret => CandidateOf(secret, owner))];
            var packed = PackedSecrets.Pack(secrets);
            var all = new OwnerCandidates(secrets);
            for (var repeated = 0; repeated < 10; repeated++)
            {
                var random = cases.Call(mostNames: 12, Args, mostArgs: 4);
                var call = new ToolCall(random.Tool, random.Args, random.References.ToDictionary(), random.Workspace);

                var expected = Selection.ForCall(call, all, OwnerCandidates.None).Select(Line).ToList();
                Assert.Equal(expected, Selection.ForCall(call, PackedSecrets.Find(packed, owner, call), OwnerCandidates.None).Select(Line));
                chosen += expected.Count(line => line.Contains('=', StringComparison.Ordinal));
            }
        }

        Assert.True(chosen > 4_000, $"{chosen} chosen");
    }

    [Fact]
    public void The_largest_secret_is_packed_like_any_other()
    {
        var owner = SecretOwner.User(Guid.NewGuid());
        var placement = new Placement(owner, Guid.NewGuid(), "n", new ToolBinding(null, null, IsDefault: false), WorkspaceAccess.All, 1);
        Candidate[] secrets = [new(placement, new byte[5]), new(placement with { SecretId = Guid.NewGuid(), Name = "m" }, new byte[200_000])];

        var read = PackedSecrets.ReadAll(PackedSecrets.Pack(secrets), owner).ToList();

        Assert.Equal(secrets.Select(secret => secret.Placement), read.Select(secret => secret.Placement));
        Assert.Equal([5, 200_000], read.Select(secret => secret.Envelope.Length));
    }

    private static Candidate CandidateOf(OracleSecret secret, SecretOwner owner) => new(
        new Placement(
            owner,
            Guid.Parse(secret.Id),
            secret.Name,
            new ToolBinding(secret.Tool, secret.Arg, secret.IsDefault),
            new WorkspaceAccess(WorkspaceRuleNames.Parse(secret.Rule)!.Value, secret.Workspaces),
            1),
        "123"u8.ToArray());

    private static string Line(Selection selection) =>
        selection.Winner is { } winner ? $"{selection.Argument}={winner.Placement.SecretId} {selection.Source}" : $"{selection.Argument} {selection.Source}";
}
