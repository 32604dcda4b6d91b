using Secrets.Domain.Resolution;
using Secrets.Domain.Secrets;
using Secrets.TestKit;

namespace Secrets.Domain.Tests.Resolution;

public sealed class SelectingSecrets
{
    private static readonly string[] Args = ["a", "\U0001F511", "\uFF5E"];
    private static readonly SecretOwner User = SecretOwner.User(Guid.Parse("00000000-0000-0000-0000-00000000000a"));
    private static readonly SecretOwner Organization = new(OwnerKind.Organization, "acme");

    [Fact]
    public void Answers_match_the_oracle()
    {
        const int MostSecrets = 25;
        var rounds = Campaign.Size(5_000);
        var random = new Random(3);
        var cases = new RandomSecrets(random);
        var seen = new Dictionary<string, int>(StringComparer.Ordinal);
        for (var number = 0; number < rounds; number++)
        {
            OracleSecret[] secrets = [.. cases.Secrets(isOwn: true, MostSecrets, Args), .. cases.Secrets(isOwn: false, MostSecrets, Args)];
            var (user, organization) = Arrange(secrets);

            // The same secrets in another order, with duplicates.
            var (userAgain, organizationAgain) = Arrange([.. cases.Shuffled(secrets.Concat(secrets.Where(_ => random.Next(4) == 0)))]);
            for (var repeated = 0; repeated < 20; repeated++)
            {
                var call = cases.Call(MostSecrets, Args, mostArgs: 7);
                var expected = ResolutionOracle.Answer(call, secrets);

                Assert.Equal(expected, Lines(Selection.ForCall(ToolCall(call), user, organization)));
                Assert.Equal(expected, Lines(Selection.ForCall(ToolCall(call), userAgain, organizationAgain)));
                CheckExplanations(call, secrets, Explanation.ForCall(ToolCall(call), userAgain, organizationAgain), expected, seen);
            }
        }

        // The cases must cover every outcome.
        Assert.All(
            (string[])["user default", "organization default", "user reference", "organization reference", "no_default", "reference_unavailable"],
            kind => Assert.True(seen.GetValueOrDefault(kind) > rounds * 3 / 5, $"{kind}: {seen.GetValueOrDefault(kind)}"));
        Assert.All(Enum.GetValues<Verdict>(), verdict => Assert.True(seen.GetValueOrDefault($"{verdict}") > rounds * 3 / 5, $"{verdict}"));
        Assert.All(
            Enum.GetValues<PrecedenceRule>().Where(rule => rule != PrecedenceRule.None),
            rule => Assert.True(seen.GetValueOrDefault($"{rule}") > rounds / 50, $"{rule}: {seen.GetValueOrDefault($"{rule}")}"));
    }

    [Fact]
    public void All_arguments_sort_by_code_points_and_requested_ones_keep_their_order()
    {
        var (user, organization) = Arrange(
        [
            Own("1", "\U0001F511"), Own("2", "b"), Own("3", "\uFF5E"), Own("4", "B"), new OracleSecret("5", IsOwn: false, "5", "tool", "a", IsDefault: true),
        ]);

        Assert.Equal(["B", "a", "b", "\uFF5E", "\U0001F511"], Arguments(null));
        Assert.Equal(["b", "z", "B"], Arguments(["b", "z", "b", "B", "z"]));
        Assert.Empty(Arguments([]));

        IEnumerable<string> Arguments(IReadOnlyList<string>? asked) =>
            Selection.ForCall(Call("tool", asked), user, organization).Select(selection => selection.Argument);
    }

    [Fact]
    public void References_to_other_arguments_follow_in_the_order_of_the_call()
    {
        var (user, organization) = Arrange([Own("1", "b"), Own("2", "c")]);
        var call = Call("tool", null, ("z", "1"), ("a", "2"), ("c", "1"), ("y", "nobody"));

        Assert.Equal(
            ["b=1 (default)", "c=1 (reference)", "z=1 (reference)", "a=2 (reference)", "y: reference_unavailable"],
            Lines(Selection.ForCall(call, user, organization)));
    }

    [Fact]
    public void The_users_secret_of_that_name_decides_even_if_it_cannot_be_used()
    {
        var (user, organization) = Arrange(
        [
            new OracleSecret("1", IsOwn: true, "shared", "other", null, IsDefault: false),
            new OracleSecret("2", IsOwn: false, "shared", null, null, IsDefault: false),
            Own("3", "a"),
        ]);

        Assert.Equal(["a: reference_unavailable"], Lines(Selection.ForCall(Call("tool", ["a"], ("a", "shared")), user, organization)));
        Assert.Equal(["a=2 (reference)"], Lines(Selection.ForCall(Call("tool", ["a"], ("a", "shared")), OwnerCandidates.None, organization)));
    }

    [Theory]
    [InlineData(WorkspaceRule.All, null, true)]
    [InlineData(WorkspaceRule.All, "support", true)]
    [InlineData(WorkspaceRule.Some, null, false)]
    [InlineData(WorkspaceRule.Some, "support", true)]
    [InlineData(WorkspaceRule.Some, "Support", false)]
    [InlineData(WorkspaceRule.Some, "", false)]
    [InlineData(WorkspaceRule.None, null, false)]
    [InlineData(WorkspaceRule.None, "support", false)]
    [InlineData((WorkspaceRule)0, "support", false)]
    public void A_workspace_rule_admits(WorkspaceRule rule, string? workspace, bool admits) =>
        Assert.Equal(admits, new WorkspaceAccess(rule, ["support"]).Admits(workspace));

    [Fact]
    public void A_star_in_a_tool_name_is_literal()
    {
        var (user, organization) = Arrange([Own("1", "a")]);
        Assert.Equal(["a: no_default"], Lines(Selection.ForCall(Call("*", ["a"]), user, organization)));
        Assert.Equal(["a: no_default"], Lines(Selection.ForCall(Call("to*", ["a"]), user, organization)));
        (user, organization) = Arrange([new OracleSecret("1", IsOwn: true, "1", "to*", "a", IsDefault: true)]);
        Assert.Equal(["a=1 (default)"], Lines(Selection.ForCall(Call("to*l", ["a"]), user, organization)));
    }

    [Fact]
    public void A_thousand_hostile_defaults_are_matched_quickly()
    {
        var hostile = string.Concat(Enumerable.Repeat("*a", 500));
        var (user, organization) = Arrange([.. Enumerable.Range(0, 1_000).Select(
            number => new OracleSecret($"{number}", IsOwn: true, $"{number}", $"{hostile}*{number}", $"arg{number % 50}", IsDefault: true))]);
        var call = Call(new string('a', 1_023) + "b", null);

        var watch = System.Diagnostics.Stopwatch.StartNew();
        Assert.Empty(Selection.ForCall(call, user, organization));
        Assert.True(watch.Elapsed < TimeSpan.FromSeconds(5), $"{watch.Elapsed}");
    }

    /// <summary>Asserts that explanations agree with the result and that every candidate has the verdict of the oracle.</summary>
    private static void CheckExplanations(
        OracleCall call, IReadOnlyList<OracleSecret> secrets, IReadOnlyList<Explanation> explanations, IReadOnlyList<string> expected, Dictionary<string, int> seen)
    {
        Assert.Equal(expected, Lines([.. explanations.Select(explanation => explanation.Selection)]));
        foreach (var (selection, candidates) in explanations)
        {
            Count(selection.Winner is { } found
                ? $"{(found.Placement.Owner.Kind == OwnerKind.User ? "user" : "organization")} {(selection.Source == SelectionSource.Default ? "default" : "reference")}"
                : selection.Source == SelectionSource.Default ? "no_default" : "reference_unavailable");
            Assert.Equal(selection.Winner, candidates.SingleOrDefault(weighed => weighed.Verdict == Verdict.Wins)?.Candidate);
            Assert.All(candidates, weighed =>
            {
                Count($"{weighed.Verdict}");
                Assert.Equal(weighed.Verdict == Verdict.ComesLater, weighed.Rule != PrecedenceRule.None);
                Assert.Equal(weighed.Candidate.Pattern is not { } pattern || ResolutionOracle.Matches(pattern.Value, call.Tool), weighed.Matches);
            });
            if (selection.Source == SelectionSource.Default)
            {
                var serving = candidates.Where(weighed => weighed.Verdict is Verdict.Wins or Verdict.ComesLater).Select(weighed => weighed.Candidate.Placement.Name);
                Assert.Equal(ResolutionOracle.DefaultsFor(selection.Argument, call, secrets).Select(secret => NameOf(secret.Id)), serving);
                Assert.Equal(secrets.Count(secret => secret.IsDefault && secret.Arg == selection.Argument), candidates.Count);
                if (candidates.FirstOrDefault(weighed => weighed.Verdict == Verdict.ComesLater) is { } next)
                {
                    Count($"{next.Rule}");
                }
            }
        }

        string NameOf(string id) => secrets.Single(secret => secret.Id == id).Name;

        void Count(string kind) => seen[kind] = seen.GetValueOrDefault(kind) + 1;
    }

    private static OracleSecret Own(string id, string arg) => new(id, IsOwn: true, id, "tool", arg, IsDefault: true);

    private static (OwnerCandidates User, OwnerCandidates Organization) Arrange(IReadOnlyList<OracleSecret> secrets) => (
        new OwnerCandidates(secrets.Where(secret => secret.IsOwn).Select(CandidateOf)),
        new OwnerCandidates(secrets.Where(secret => !secret.IsOwn).Select(CandidateOf)));

    /// <summary>A candidate with the oracle's id in place of the ciphertext.</summary>
    private static Candidate CandidateOf(OracleSecret secret) => new(
        new Placement(
            secret.IsOwn ? User : Organization,
            Guid.TryParse(secret.Id, out var id) ? id : Guid.NewGuid(),
            secret.Name,
            new ToolBinding(secret.Tool, secret.Arg, secret.IsDefault),
            new WorkspaceAccess(WorkspaceRuleNames.Parse(secret.Rule)!.Value, secret.Workspaces),
            1),
        System.Text.Encoding.UTF8.GetBytes(secret.Id));

    private static ToolCall Call(string tool, IReadOnlyList<string>? asked, params (string Arg, string Name)[] references) =>
        ToolCall(new OracleCall(tool, asked, [.. references.Select(pair => KeyValuePair.Create(pair.Arg, pair.Name))], Workspace: null));

    private static ToolCall ToolCall(OracleCall call) =>
        new(call.Tool, call.Args, new OrderedDictionary<string, string>(call.References, StringComparer.Ordinal), call.Workspace);

    private static IEnumerable<string> Lines(IReadOnlyList<Selection> selections) => selections.Select(selection => (selection.Winner, selection.Source) switch
    {
        ({ } winner, var source) =>
            $"{selection.Argument}={System.Text.Encoding.UTF8.GetString(winner.Envelope.Span)} ({(source == SelectionSource.Default ? "default" : "reference")})",
        (null, SelectionSource.Default) => $"{selection.Argument}: no_default",
        _ => $"{selection.Argument}: reference_unavailable",
    });
}
