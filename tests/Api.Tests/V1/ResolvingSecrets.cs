using System.Text.Json.Nodes;
using Secrets.Api.V1;
using Secrets.Domain.Secrets;
using Secrets.TestKit;
using static Secrets.Api.Tests.V1.ToolCalls;

namespace Secrets.Api.Tests.V1;

public sealed class ResolvingSecrets(ApiServer server)
{
    [Fact]
    public async Task A_value_names_its_source()
    {
        using var runtime = await server.NewUserAsync(Runtime);
        var wide = await runtime.CreateSecretAsync("wide", "the wide value", "agno__*", "api_token", isDefault: true);
        await runtime.PatchAsync(Answers.One(wide), new JsonObject { ["secret_value"] = "the next wide value" });
        var free = await runtime.CreateSecretAsync("free", "the free value é\"<🔑");

        var answer = (await runtime.AskAsync(Resolve, Call(["api_token", "base_url"], references: ("key", "free")))).MustBe(200);

        var values = answer.Json["values"]!.AsArray();
        Assert.True(JsonNode.DeepEquals(values, new JsonArray(
            new JsonObject
            {
                ["tool_arg"] = "api_token",
                ["secret_value"] = "the next wide value",
                ["secret_id"] = wide.ToString(),
                ["secret_name"] = "wide",
                ["matched"] = "agno__*",
                ["source"] = "default",
                ["owner"] = "user",
                ["version"] = 2,
            },
            new JsonObject
            {
                ["tool_arg"] = "key",
                ["secret_value"] = "the free value é\"<🔑",
                ["secret_id"] = free.ToString(),
                ["secret_name"] = "free",
                ["matched"] = null,
                ["source"] = "reference",
                ["owner"] = "user",
                ["version"] = 1,
            })), answer.ToString());
        Assert.Equal("""[{"tool_arg":"base_url","reason":"no_default"}]""", answer.Json["missing"]!.ToJsonString());
        Assert.Null(answer.ETag());
    }

    [Theory]
    [InlineData("/api/v1/secrets/resolve")]
    [InlineData("/api/v1/secrets/resolve/")]
    [InlineData("/v1/secrets/resolve")]
    [InlineData("/v1/secrets/resolve/")]
    public async Task Every_spelling_of_the_path_is_served(string path)
    {
        using var runtime = await server.NewUserAsync(Runtime);
        await runtime.CreateSecretAsync("n", "some value", "agno__*", "a", isDefault: true);

        Assert.Equal(["a=some value"], (await runtime.AskAsync(path, Call())).Lines());
        Assert.Equal("a", (await runtime.AskAsync(path.TrimEnd('/') + "/explain" + (path.EndsWith('/') ? "/" : ""), Call())).OnlyArgument().Text("tool_arg"));
        (await runtime.GetAsync(path)).MustBeError(405);
        (await runtime.SendAsync(HttpMethod.Put, path, "{}")).MustBeError(405);
    }

    [Theory]
    [InlineData("agno__linear__get", "agno__linear__*")]
    [InlineData("agno__linear__*", "agno__*")]
    [InlineData("agno__lin*", "agno__*__*")]
    [InlineData("agno*get", "agno*ge*t")]
    [InlineData("*get", "agn*")]
    [InlineData("*gno__linear__get", "agno__linear__ge*")]
    public async Task The_more_exact_default_wins_regardless_of_insert_order(string winner, string loser)
    {
        foreach (var first in (string[])[winner, loser])
        {
            using var runtime = await server.NewUserAsync(Runtime);
            foreach (var pattern in first == winner ? (string[])[winner, loser] : [loser, winner])
            {
                await runtime.CreateSecretAsync(pattern, $"of {pattern}", pattern, "a", isDefault: true);
            }

            Assert.Equal([$"a=of {winner}"], (await runtime.AskAsync(Resolve, Call(["a"]))).Lines());
        }
    }

    [Fact]
    public async Task Only_defaults_of_the_argument_are_candidates()
    {
        using var runtime = await server.NewUserAsync(Runtime);
        await runtime.CreateSecretAsync("no default", "value", "*", "a");
        await runtime.CreateSecretAsync("other argument", "value", "*", "A", isDefault: true);
        await runtime.CreateSecretAsync("other tool", "value", "agno__linear__ge", "a", isDefault: true);
        await runtime.CreateSecretAsync("other case", "value", "AGNO__*", "a", isDefault: true);
        await runtime.CreateSecretAsync("no wildcard", "value", "agno_%", "a", isDefault: true);

        Assert.Equal(["a: no_default"], (await runtime.AskAsync(Resolve, Call(["a"]))).Lines());
    }

    [Fact]
    public async Task Without_tool_args_all_defaults_of_the_tool_are_resolved_in_order()
    {
        using var runtime = await server.NewUserAsync(Runtime);
        foreach (var arg in (string[])["b", "é", "B", "a", "🔑", "\uFF5E"])
        {
            await runtime.CreateSecretAsync(arg, $"of {arg}", "agno__*", arg, isDefault: true);
        }

        await runtime.CreateSecretAsync("another tool's", "value", "github__*", "c", isDefault: true);
        string[] expected = ["B=of B", "a=of a", "b=of b", "é=of é", "\uFF5E=of \uFF5E", "🔑=of 🔑"];

        Assert.Equal(expected, (await runtime.AskAsync(Resolve, Call())).Lines());
        var asNull = Call();
        asNull["tool_args"] = null;
        asNull["references"] = null;
        asNull["organization_id"] = null;
        asNull["workspace"] = null;
        Assert.Equal(expected, (await runtime.AskAsync(Resolve, asNull)).Lines());
        Assert.Empty((await runtime.AskAsync(Resolve, Call([]))).Lines());
        Assert.Empty((await runtime.AskAsync(Resolve, Call(tool: "*"))).Lines());
    }

    [Fact]
    public async Task Arguments_keep_their_order_without_duplicates_and_references_follow()
    {
        using var runtime = await server.NewUserAsync(Runtime);
        await runtime.CreateSecretAsync("one", "of one", "*", "b", isDefault: true);
        await runtime.CreateSecretAsync("two", "of two", "*", "a", isDefault: true);

        var answer = await runtime.AskAsync(
            Resolve, Call(["b", "z", "a", "b", "z"], references: [("y", "one"), ("a", "one"), ("x", "nobody"), ("w", "two")]));

        Assert.Equal(["b=of one", "a=of one", "y=of one", "w=of two", "z: no_default", "x: reference_unavailable"], answer.Lines());
    }

    [Fact]
    public async Task A_failed_reference_is_never_replaced_by_a_default()
    {
        using var runtime = await server.NewUserAsync(Runtime);
        await runtime.CreateSecretAsync("default", "value", "*", "a", isDefault: true);
        await runtime.CreateSecretAsync("other tool's", "value", "github__*");

        Assert.Equal(
            ["a: reference_unavailable"], (await runtime.AskAsync(Resolve, Call(["a"], references: ("a", "other tool's")))).Lines());
        Assert.Equal(["a: reference_unavailable"], (await runtime.AskAsync(Resolve, Call(["a"], references: ("a", "nobody")))).Lines());
        Assert.Equal(["a: reference_unavailable"], (await runtime.AskAsync(Resolve, Call(references: ("a", "Default")))).Lines());
        Assert.Equal(["a=value"], (await runtime.AskAsync(Resolve, Call([], references: ("a", "default")))).Lines());
    }

    [Fact]
    public async Task Updates_and_deletes_apply_immediately()
    {
        using var runtime = await server.NewUserAsync(Runtime);
        var id = await runtime.CreateSecretAsync("n", "value 1", "*", "a", isDefault: true);
        Assert.Equal(["a=value 1"], (await runtime.AskAsync(Resolve, Call(["a"]))).Lines());

        await runtime.PatchAsync(Answers.One(id), new JsonObject { ["secret_value"] = "value 2" });
        Assert.Equal(["a=value 2"], (await runtime.AskAsync(Resolve, Call(["a"]))).Lines());
        await runtime.PatchAsync(Answers.One(id), new JsonObject { ["is_default_for_tool"] = false });
        Assert.Equal(["a: no_default", "b=value 2"], (await runtime.AskAsync(Resolve, Call(["a"], references: ("b", "n")))).Lines().Order(StringComparer.Ordinal));
        await runtime.DeleteAsync(Answers.One(id));
        Assert.Equal(["a: no_default", "b: reference_unavailable"], (await runtime.AskAsync(Resolve, Call(["a"], references: ("b", "n")))).Lines());
    }

    [Fact]
    public async Task The_users_defaults_come_before_the_organisations()
    {
        var organization = NewOrganization();
        await server.StoreAsync(
            Owner(organization),
            new("o1", "organisation's a", Tool, "a", IsDefault: true),
            new("o2", "organisation's b", "*", "b", IsDefault: true),
            new("o3", "nobody's", "*", "c", IsDefault: true, WorkspaceRule.None),
            new("shared", "organisation's shared"),
            new("closed", "closed", Rule: WorkspaceRule.None),
            new("narrow", "of the organisation"));
        using var runtime = await server.NewUserAsync(Runtime);
        await runtime.CreateSecretAsync("mine", "user's a", "*", "a", isDefault: true);
        await runtime.CreateSecretAsync("narrow", "other tool's", "github__*");

        Assert.Equal(["a=user's a"], (await runtime.AskAsync(Resolve, Call())).Lines());
        var all = await runtime.AskAsync(Resolve, Call(organization: organization));
        Assert.Equal(["a=user's a", "b=organisation's b"], all.Lines());
        Assert.Equal(["user", "organization"], all.Json["values"]!.AsArray().Select(row => row!.Text("owner")));
        Assert.Equal(
            ["a=organisation's shared", "b=user's a", "c: reference_unavailable", "d: reference_unavailable", "e: no_default"],
            (await runtime.AskAsync(Resolve, Call(
                ["e"], organization: organization, workspace: "support", references: [("a", "shared"), ("b", "mine"), ("c", "closed"), ("d", "narrow")])))
                .Lines().Order(StringComparer.Ordinal));
        Assert.Equal(["a: reference_unavailable"], (await runtime.AskAsync(Resolve, Call([], references: ("a", "shared")))).Lines());
        Assert.Empty((await runtime.AskAsync(Resolve, Call(["a"], user: Guid.NewGuid(), organization: NewOrganization()))).Json["values"]!.AsArray());
    }

    [Fact]
    public async Task A_runtime_may_name_any_user_and_unknown_users_have_no_defaults()
    {
        using var user = await server.NewUserAsync();
        await user.CreateSecretAsync("n", "the user's", "*", "a", isDefault: true);
        using var runtime = await server.NewUserAsync("secrets:resolve");

        Assert.Equal(["a=the user's"], (await runtime.AskAsync(Resolve, Call(user: user.UserId))).Lines());
        Assert.Empty((await runtime.AskAsync(Resolve, Call())).Lines());
        Assert.Equal(["a: no_default"], (await runtime.AskAsync(Resolve, Call(["a"], user: Guid.NewGuid()))).Lines());
        Assert.Equal("a", (await runtime.AskAsync(Explain, Call(user: user.UserId))).OnlyArgument().Text("tool_arg"));
    }

    [Fact]
    public async Task Without_the_scope_nothing_is_resolved()
    {
        using var user = await server.NewUserAsync("secrets:read", "secrets:write", "keys:manage", "audit:read");
        await user.CreateSecretAsync("n", "not to be seen", "*", "a", isDefault: true);

        (await user.AskAsync(Resolve, Call())).MustBeError(403).MustNotRepeat("not to be seen");
        (await user.AskAsync(Resolve, new JsonObject { ["tool_name"] = "" })).MustBeError(403);
        using var nobody = server.Anonymous();
        (await nobody.AskAsync(Resolve, Call())).MustBeError(401);
        (await nobody.AskAsync(Explain, Call())).MustBeError(401);
    }

    [Fact]
    public async Task A_runtime_key_of_an_organisation_resolves_only_there()
    {
        var (own, other) = (NewOrganization(), NewOrganization());
        await server.StoreAsync(Owner(own), new NewSecret("n", "own value", "*", "a", IsDefault: true));
        await server.StoreAsync(Owner(other), new NewSecret("n", "other value", "*", "a", IsDefault: true));
        using var bound = await server.NewKeyAsync(Guid.NewGuid(), ["secrets:resolve"], own);
        using var free = await server.NewKeyAsync(Guid.NewGuid(), ["secrets:resolve"]);
        using var @operator = server.Operator();

        Assert.Equal(["a=own value"], (await bound.AskAsync(Resolve, Call(organization: own))).Lines());
        foreach (var path in (string[])[Resolve, Explain])
        {
            (await bound.AskAsync(path, Call(organization: other))).MustBeError(403);
            (await bound.AskAsync(path, Call(organization: own.ToUpperInvariant()))).MustBeError(403);
        }

        Assert.Equal(["a=other value"], (await free.AskAsync(Resolve, Call(organization: other))).Lines());
        Assert.Equal(["a=other value"], (await @operator.AskAsync(Resolve, Call(organization: other))).Lines());

        // Any user is allowed: the platform knows the members of an organisation, and the service does not.
        using var user = await server.NewUserAsync();
        await user.CreateSecretAsync("n", "user's value", "*", "a", isDefault: true);
        Assert.Equal(["a=user's value"], (await bound.AskAsync(Resolve, Call(user: user.UserId, organization: own))).Lines());
    }

    [Fact]
    public async Task A_hundred_distinct_arguments_are_accepted()
    {
        using var runtime = await server.NewUserAsync(Runtime);
        string[] args = [.. Enumerable.Range(0, 100).Select(number => $"arg{number}")];
        (string, string)[] references = [.. args.Select(arg => (arg, "nobody"))];

        Assert.Equal(100, (await runtime.AskAsync(Resolve, Call(args))).Lines().Count);
        Assert.Equal(100, (await runtime.AskAsync(Resolve, Call([.. args, .. args, .. args], references: references))).Lines().Count);
        Assert.Equal(100, (await runtime.AskAsync(Resolve, Call([.. args.Skip(1)], references: ("more", "nobody")))).Lines().Count);
    }

    [Fact]
    public void An_answer_that_is_printed_or_serialised_elsewhere_shows_no_value()
    {
        var row = new ResolvedArgument
        {
            ToolArg = "a",
            SecretValue = new SecretValue("not to be seen"u8),
            SecretId = Guid.Empty,
            SecretName = "n",
            Matched = null,
            Source = "default",
            Owner = "user",
            Version = 1,
        };

        Assert.Contains("***", row.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("not to be seen", row.ToString(), StringComparison.Ordinal);
        Assert.Throws<NotSupportedException>(() => System.Text.Json.JsonSerializer.Serialize(row.SecretValue));
    }
}
