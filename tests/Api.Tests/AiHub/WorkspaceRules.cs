using System.Text.Json.Nodes;
using Secrets.TestKit;

namespace Secrets.Api.Tests.AiHub;

/// <summary>Compares random workspace rules in an oracle, in lists and in resolve.</summary>
public sealed class WorkspaceRules(ApiServer server)
{
    private static readonly string[] Workspaces = ["support", "Support", "sales", "sup_ort", "*", "sup*", "b\u00FCro", "bu\u0308ro", "🔑", "support "];
    private static readonly string[] Tools = ["agno__get", "agno_get"];

    [Fact]
    public async Task Answers_match_the_oracle()
    {
        const int Aliases = 40;
        var random = new Random(20_261_121);
        var (rounds, questions, admitted) = (Campaign.Size(6), 0, 0);
        for (var round = 0; round < rounds; round++)
        {
            var organization = Vault.NewOrganization();
            using var admin = await server.NewAdminAsync(organization);
            using var runtime = await server.NewKeyAsync(Guid.NewGuid(), ["secrets:resolve"], organization);
            var members = await Task.WhenAll(Enumerable.Range(0, 6).Select(async _ =>
            {
                var own = Workspaces.Where(_ => random.Next(3) == 0).ToArray();
                return (Own: own, Client: await server.NewMemberAsync(organization, own));
            }));
            var rules = new Dictionary<string, Rule>(StringComparer.Ordinal);
            for (var number = 0; number < Aliases; number++)
            {
                var rule = Rule.Of(random, $"value-{number}");
                rules[$"alias-{number}"] = rule;
                await admin.StoreAliasAsync($"alias-{number}", rule.Value, rule.Name, rule.Workspaces);
            }

            // Half of the secrets change again. Their first rule must have no effect.
            foreach (var alias in rules.Keys.Where(_ => random.Next(2) == 0).ToList())
            {
                rules[alias] = Rule.Of(random, $"{rules[alias].Value}-anew");
                (await admin.PatchAsync(Vault.Path, Vault.Body(alias, rules[alias].Value, rules[alias].Name, rules[alias].Workspaces))).MustBeDone();
            }

            foreach (var workspace in (string?[])[.. Workspaces, null])
            {
                // The runtime resolves all aliases by name, at most a hundred in one call.
                var resolved = await ResolveAsync(runtime, organization, workspace, [.. rules.Keys]);
                foreach (var (alias, rule) in rules)
                {
                    Assert.True(
                        resolved.GetValueOrDefault(alias) == (rule.Admits(workspace) ? rule.Value : null), $"resolve {alias} {rule} in {workspace}");
                    questions++;
                    admitted += rule.Admits(workspace) ? 1 : 0;
                }

                // The admin and every member list the secrets and query each alias.
                foreach (var (isMember, client) in members.Select(member => (member.Own.Contains(workspace), member.Client)).Append((true, admin)))
                {
                    var query = workspace is null ? "" : $"?workspace={Uri.EscapeDataString(workspace)}";
                    var answer = await client.GetAsync(Vault.Path + query);
                    if (!isMember || (workspace is null && client != admin))
                    {
                        answer.MustBeRefused(401);
                        questions += Aliases;
                        continue;
                    }

                    var listed = answer.Aliases().ToHashSet(StringComparer.Ordinal);
                    foreach (var (alias, rule) in rules)
                    {
                        var expected = workspace is null || rule.Admits(workspace);
                        Assert.True(listed.Contains(alias) == expected, $"list {alias} {rule} in {workspace}");
                        questions++;
                    }
                }
            }

            // By id a member sees the secrets that at least one of its workspaces may use.
            var ids = (await admin.GetAsync($"/api/v1/secrets?organization_id={organization}")).MustBe(200).Json["data"]!.AsArray()
                .ToDictionary(secret => secret!["secret_name"]!.GetValue<string>(), secret => secret!["secret_id"]!.GetValue<Guid>(), StringComparer.Ordinal);
            foreach (var (own, client) in members)
            {
                foreach (var (alias, rule) in rules)
                {
                    (await client.GetAsync($"/api/v1/secrets/{ids[alias]}")).MustBe(own.Any(rule.Admits) ? 200 : 404);
                    questions++;
                }

                client.Dispose();
            }
        }

        Assert.True(questions > rounds * 3_333 && admitted > rounds * 80, $"{admitted} of {questions}");
    }

    [Fact]
    public async Task A_changed_rule_applies_once_acknowledged()
    {
        var organization = Vault.NewOrganization();
        using var admin = await server.NewAdminAsync(organization);
        using var runtime = await server.NewKeyAsync(Guid.NewGuid(), ["secrets:resolve"], organization);
        await admin.StoreAliasAsync("key");
        for (var number = 0; number < 40; number++)
        {
            var (rule, support, sales) = (number % 4) switch
            {
                0 => (Vault.Body("key", "v", "SOME", "support"), 1, 0),
                1 => (Vault.Body("key", "v", "SOME", "sales"), 0, 1),
                2 => (Vault.Body("key", "v", "NONE"), 0, 0),
                _ => (Vault.Body("key", "v", "ALL"), 1, 1),
            };
            (await admin.PatchAsync(Vault.Path, rule)).MustBeDone();

            Assert.Equal(support, (await ResolveAsync(runtime, organization, "support", ["key"])).Count);
            Assert.Equal(sales, (await ResolveAsync(runtime, organization, "sales", ["key"])).Count);
        }

        (await admin.DeleteAliasAsync("key")).MustBeDone();
        Assert.Empty(await ResolveAsync(runtime, organization, "support", ["key"]));
    }

    [Fact]
    public async Task A_reference_prefers_the_users_secret_and_respects_the_pattern()
    {
        var organization = Vault.NewOrganization();
        var user = Guid.NewGuid();
        using var admin = await server.NewAdminAsync(organization);
        using var runtime = await server.NewKeyAsync(user, ["secrets:resolve", "secrets:write", "secrets:read"], organization);
        await admin.StoreAliasAsync("key", "of the organisation");
        await admin.StoreAliasAsync("bound", "of the organisation", "SOME", "support");
        var id = (await admin.GetAsync($"/api/v1/secrets?organization_id={organization}&secret_name=bound")).MustBe(200).Json["data"]![0]!["secret_id"]!;
        (await admin.PatchAsync($"/api/v1/secrets/{id}", new JsonObject { ["tool_name"] = "agno__*" })).MustBe(200);

        Assert.Equal("of the organisation", await ValueAsync("key", "t", workspace: null));
        Assert.Equal("of the organisation", await ValueAsync("bound", Tools[0], "support"));
        Assert.Null(await ValueAsync("bound", Tools[1], "support"));
        Assert.Null(await ValueAsync("bound", Tools[0], "sales"));
        Assert.Null(await ValueAsync("bound", Tools[0], workspace: null));
        await runtime.CreateSecretAsync("key", "the user's own");
        Assert.Equal("the user's own", await ValueAsync("key", "t", workspace: null));
        await runtime.CreateSecretAsync("bound", "the user's own", "other__*");
        Assert.Null(await ValueAsync("bound", Tools[0], "support"));

        async Task<string?> ValueAsync(string alias, string tool, string? workspace) =>
            (await runtime.ResolveAliasAsync(alias, organization, workspace, tool)).MustBe(200).Json["values"]!.AsArray()
                .SingleOrDefault()?["secret_value"]?.GetValue<string>();
    }

    [Fact]
    public async Task All_aliases_of_a_run_resolve_in_one_call()
    {
        // As in docs/integrate.md: settings.keys of a run maps arguments to aliases and is sent unchanged as the references of the call.
        var organization = Vault.NewOrganization();
        using var admin = await server.NewAdminAsync(organization);
        using var runtime = await server.NewKeyAsync(Guid.NewGuid(), ["secrets:resolve"], organization);
        await admin.StoreAliasAsync("openai-prod", "sk-1", "SOME", "support");
        await admin.StoreAliasAsync("linear", "lin-2");
        var settings = JsonNode.Parse("""{"keys":{"openai_key":"openai-prod","api_token":"linear","other":"nobody"}}""")!;

        var answer = (await runtime.AskAsync("/api/v1/secrets/resolve", new JsonObject
        {
            ["tool_name"] = "agno__run",
            ["tool_args"] = new JsonArray(),
            ["references"] = settings["keys"]!.DeepClone(),
            ["organization_id"] = organization,
            ["workspace"] = "support",
        })).MustBe(200);

        Assert.Equal(["openai_key=sk-1", "api_token=lin-2"], answer.Json["values"]!.AsArray().Select(row => $"{row!["tool_arg"]}={row["secret_value"]}"));
        Assert.Equal("reference_unavailable", Assert.Single(answer.Json["missing"]!.AsArray())!["reason"]!.GetValue<string>());
    }

    /// <summary>Resolves the aliases. Returns values by alias.</summary>
    private static async Task<Dictionary<string, string>> ResolveAsync(
        ApiClient runtime, string organization, string? workspace, IReadOnlyList<string> aliases)
    {
        var answer = await runtime.AskAsync("/api/v1/secrets/resolve", new JsonObject
        {
            ["tool_name"] = "tool",
            ["tool_args"] = new JsonArray(),
            ["references"] = new JsonObject(aliases.Select(alias => KeyValuePair.Create(alias, (JsonNode?)alias))),
            ["organization_id"] = organization,
            ["workspace"] = workspace,
        });
        return answer.MustBe(200).Json["values"]!.AsArray().ToDictionary(
            row => row!["tool_arg"]!.GetValue<string>(), row => row!["secret_value"]!.GetValue<string>(), StringComparer.Ordinal);
    }

    /// <summary>A workspace rule and, independent of the service, the workspaces that it admits.</summary>
    private sealed record Rule(string Name, string[] Workspaces, string Value)
    {
        public static Rule Of(Random random, string value) => random.Next(4) switch
        {
            0 => new Rule("ALL", [], value),
            1 => new Rule("NONE", [], value),
            _ => new Rule("SOME", [WorkspaceRules.Workspaces[random.Next(10)], .. WorkspaceRules.Workspaces.Where(_ => random.Next(4) == 0)], value),
        };

        public bool Admits(string? workspace) => Name == "ALL" || (Name == "SOME" && workspace is not null && Workspaces.Contains(workspace));

        public override string ToString() => $"{Name} {string.Join(',', Workspaces)}";
    }
}
