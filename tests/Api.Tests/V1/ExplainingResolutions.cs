using System.Text.Json.Nodes;
using Secrets.Domain.Secrets;
using Secrets.TestKit;
using static Secrets.Api.Tests.V1.ToolCalls;

namespace Secrets.Api.Tests.V1;

public sealed class ExplainingResolutions(ApiServer server)
{
    private const string Value = "VALUE-0d9c2b7a-never-shown";

    [Fact]
    public async Task Every_candidate_is_listed_with_its_verdict()
    {
        using var user = await server.NewUserAsync();
        var other = await user.CreateSecretAsync("other", Value, "github__*", "a", isDefault: true);
        var wide = await user.CreateSecretAsync("wide", Value, "agno__*", "a", isDefault: true);
        var exact = await user.CreateSecretAsync("exact", Value, Tool, "a", isDefault: true);
        await user.CreateSecretAsync("no default", Value, Tool, "a");

        var answer = (await user.AskAsync(Explain, Call(["a"]))).MustNotRepeat(Value);

        var argument = answer.OnlyArgument();
        Assert.Equal(["tool_arg", "winner", "rule", "candidates"], argument.Select(member => member.Key));
        Assert.True(JsonNode.DeepEquals(argument["winner"], new JsonObject
        {
            ["secret_id"] = exact.ToString(),
            ["secret_name"] = "exact",
            ["matched"] = Tool,
            ["source"] = "default",
            ["owner"] = "user",
            ["version"] = 1,
        }), answer.ToString());
        Assert.Equal("the name of one tool comes before any pattern", argument.Text("rule"));
        var candidates = argument["candidates"]!.AsArray();
        Assert.All(candidates, candidate => Assert.Equal(
            ["secret_id", "secret_name", "tool_name", "owner", "matches", "reason"], candidate!.AsObject().Select(member => member.Key)));
        Assert.Equal(
            [
                $"{exact} exact {Tool} user true it fills the argument",
                $"{other} other github__* user false its tool pattern does not match the tool",
                $"{wide} wide agno__* user true another secret takes precedence: the name of one tool comes before any pattern",
            ],
            candidates.Select(candidate => string.Join(' ', candidate!.AsObject().Select(member => member.Value!.ToString()))));
    }

    [Fact]
    public async Task The_rule_explains_the_verdict()
    {
        var organization = NewOrganization();
        await server.StoreAsync(
            Owner(organization),
            new("shared", Value, "*", "both", IsDefault: true),
            new("closed", Value, "*", "closed", IsDefault: true, WorkspaceRule.None),
            new("mine", Value));
        using var runtime = await server.NewUserAsync(Runtime);
        await runtime.CreateSecretAsync("only", Value, "agno__*", "only", isDefault: true);
        await runtime.CreateSecretAsync("long", Value, "agno__linear*", "literals", isDefault: true);
        await runtime.CreateSecretAsync("short", Value, "agno__*", "literals", isDefault: true);
        await runtime.CreateSecretAsync("few", Value, "agno*get", "stars", isDefault: true);
        await runtime.CreateSecretAsync("many", Value, "agno*ge*t", "stars", isDefault: true);
        await runtime.CreateSecretAsync("first", Value, "*get", "order", isDefault: true);
        await runtime.CreateSecretAsync("last", Value, "agn*", "order", isDefault: true);
        await runtime.CreateSecretAsync("own", Value, "*", "both", isDefault: true);
        await runtime.CreateSecretAsync("unmatched", Value, "github__*", "unmatched", isDefault: true);
        await runtime.CreateSecretAsync("mine", Value);

        var answer = (await runtime.AskAsync(Explain, Call(
            ["only", "literals", "stars", "order", "both", "unmatched", "closed", "none"],
            organization: organization,
            references: [("named", "only"), ("nobody", "nobody"), ("tool", "unmatched"), ("workspace", "closed"), ("mine", "mine")])))
            .MustBe(200).MustNotRepeat(Value);

        Assert.Equal(
            [
                "only: it is the only candidate: no other default of this argument matches the tool and admits the workspace",
                "literals: the pattern with more literal characters comes first",
                "stars: the pattern with fewer wildcards comes first",
                "order: among equally specific patterns, the first in the order of characters wins",
                "both: a user's own default comes before an organisation's",
                "unmatched: no default: none of the defaults of this argument matches the tool and admits the workspace",
                "closed: no default: none of the defaults of this argument matches the tool and admits the workspace",
                "none: no default: this argument has none",
                "named: the call names this secret, and the user has a secret of that name",
                "nobody: reference unavailable: no secret has this name",
                "tool: reference unavailable: its tool pattern does not match the tool; neither another secret nor a default takes its place",
                "workspace: reference unavailable: its workspace rule does not admit the workspace; neither another secret nor a default takes its place",
                "mine: the call names this secret, and the user has a secret of that name",
            ],
            answer.Json["arguments"]!.AsArray().Select(argument => $"{argument!.Text("tool_arg")}: {argument!.Text("rule")}"));
        var mine = answer.Json["arguments"]!.AsArray()[^1]!["candidates"]!.AsArray();
        Assert.Equal(
            ["user: it fills the argument", "organization: the user's own secret of that name decides"],
            mine.Select(candidate => $"{candidate!.Text("owner")}: {candidate!.Text("reason")}"));
    }

    [Fact]
    public async Task Explain_agrees_with_resolve()
    {
        using var runtime = await server.NewUserAsync(Runtime);
        await runtime.CreateSecretAsync("one", Value, "*", "b", isDefault: true);
        await runtime.CreateSecretAsync("two", Value, "agno__*", "a", isDefault: true);
        var call = Call(references: [("c", "one"), ("d", "nobody")]);

        var resolved = (await runtime.AskAsync(Resolve, call)).MustBe(200).Json;
        var explained = (await runtime.AskAsync(Explain, call)).MustBe(200).MustNotRepeat(Value).Json["arguments"]!.AsArray();

        Assert.Equal(["a", "b", "c", "d"], explained.Select(argument => argument!.Text("tool_arg")));
        foreach (var (value, argument) in resolved["values"]!.AsArray().Zip(explained))
        {
            value!.AsObject().Remove("secret_value");
            value.AsObject().Remove("tool_arg");
            Assert.True(JsonNode.DeepEquals(value, argument!["winner"]), $"expected {value}, got {argument}");
        }

        Assert.Null(explained[^1]!["winner"]);
    }

    [Fact]
    public async Task Users_explain_their_own_calls_and_runtimes_those_of_others()
    {
        using var user = await server.NewUserAsync("secrets:read");
        using var writer = await server.NewUserAsync("secrets:write", "keys:manage");
        using var runtime = await server.NewUserAsync("secrets:resolve");

        (await user.AskAsync(Explain, Call())).MustBe(200);
        (await user.AskAsync(Explain, Call(user: user.UserId))).MustBe(200);
        (await user.AskAsync(Explain, Call(user: runtime.UserId))).MustBeError(403);
        (await writer.AskAsync(Explain, Call())).MustBeError(403, "The credential lacks the scope secrets:read or secrets:resolve.");
        (await runtime.AskAsync(Explain, Call(user: user.UserId))).MustBe(200);
    }

    [Fact]
    public async Task Members_see_only_candidates_that_they_may_use()
    {
        var organization = NewOrganization();
        await server.StoreAsync(
            Owner(organization),
            new("open", Value, "*", "a", IsDefault: true),
            new("hidden", Value, "agno__*", "a", IsDefault: true, WorkspaceRule.None));
        using var stranger = await server.NewUserAsync("secrets:read");
        using var member = await server.NewKeyAsync(Guid.NewGuid(), ["secrets:read"], organization, "member", "support");
        using var idler = await server.NewKeyAsync(Guid.NewGuid(), ["secrets:read"], organization);
        using var admin = await server.NewKeyAsync(Guid.NewGuid(), ["secrets:read"], organization, "admin");
        using var runtime = await server.NewKeyAsync(Guid.NewGuid(), ["secrets:resolve"]);

        (await stranger.AskAsync(Explain, Call(organization: organization))).MustBeError(403);
        (await idler.AskAsync(Explain, Call(organization: organization))).MustBeError(403);
        (await idler.AskAsync(Explain, Call(organization: organization, workspace: "support"))).MustBeError(403);
        (await member.AskAsync(Explain, Call(organization: organization, workspace: "sales"))).MustBeError(403);
        foreach (var workspace in (string?[])[null, "support"])
        {
            Assert.Equal(["open"], Names(await member.AskAsync(Explain, Call(organization: organization, workspace: workspace))));
            Assert.Empty((await member.AskAsync(Explain, Call([], organization: organization, workspace: workspace, references: ("a", "hidden"))))
                .OnlyArgument()["candidates"]!.AsArray());
        }

        foreach (var client in (ApiClient[])[admin, runtime])
        {
            Assert.Equal(["hidden", "open"], Names(await client.AskAsync(Explain, Call(organization: organization, workspace: "sales"))));
        }

        static IEnumerable<string?> Names(Answer answer) =>
            answer.OnlyArgument()["candidates"]!.AsArray().Select(candidate => candidate!.Text("secret_name")).Order(StringComparer.Ordinal);
    }
}
