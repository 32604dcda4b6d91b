using System.Text.Json.Nodes;
using Secrets.TestKit;
using static Secrets.Api.Tests.V1.ToolCalls;

namespace Secrets.Api.Tests.V1;

/// <summary>Our own endpoints refuse unknown members, and dialects ignore them as their vendors do. No fault widens the effect of a request.</summary>
public sealed class StrictRequests(ApiServer server)
{
    private const string Vault = "/api/v2/aihub/secrets";

    [Fact]
    public async Task A_misspelt_user_parameter_is_refused()
    {
        using var @operator = server.Operator();

        var answer = await @operator.SendAsync(HttpMethod.Post, Resolve, $$"""{"userId":"{{Guid.NewGuid()}}","tool_name":"t","tool_args":["a"]}""");

        answer.MustBeInvalid("body.userId: extra_forbidden");
    }

    [Fact]
    public async Task A_runtime_must_name_the_user_and_a_user_need_not()
    {
        using var runtime = await server.NewUserAsync(Runtime);
        using var user = await server.NewUserAsync();
        const string Unsaid = """{"tool_name":"t"}""";

        (await runtime.SendAsync(HttpMethod.Post, Resolve, Unsaid)).MustBeInvalid("body.user_id: missing");
        (await runtime.SendAsync(HttpMethod.Post, Explain, Unsaid)).MustBeInvalid("body.user_id: missing");
        (await user.SendAsync(HttpMethod.Post, Explain, Unsaid)).MustBe(200);
    }

    [Fact]
    public async Task Without_a_user_only_secrets_of_the_organisation_count()
    {
        var organization = NewOrganization();
        using var runtime = await server.NewKeyAsync(Guid.NewGuid(), Runtime, organization);
        await runtime.CreateSecretAsync("own", "the user's", Tool, "a", isDefault: true);
        await server.StoreAsync(Owner(organization), new NewSecret("shared", "the organisation's", Tool, "a", IsDefault: true));
        var nobody = new JsonObject { ["user_id"] = null, ["tool_name"] = Tool, ["organization_id"] = organization };

        Assert.Equal(["a=the user's"], (await runtime.AskAsync(Resolve, Call(organization: organization))).Lines());
        Assert.Equal(["a=the organisation's"], (await runtime.PostAsync(Resolve, nobody)).Lines());
        Assert.Single((await runtime.PostAsync(Explain, nobody)).OnlyArgument()["candidates"]!.AsArray());
        (await runtime.SendAsync(HttpMethod.Post, Resolve, """{"tool_name":"t","user_id":null}""")).MustBeInvalid("body.organization_id: missing");
        (await runtime.SendAsync(HttpMethod.Post, Explain, """{"tool_name":"t","user_id":null}""")).MustBeInvalid("body.organization_id: missing");
    }

    [Theory]
    [InlineData("POST", "/api/v1/secrets/resolve", """{"user_id":null,"organization_id":"default","tool_name":"t"}""")]
    [InlineData("POST", "/api/v1/secrets/resolve", """{"user_id":null,"organization_id":"default","tool_name":"t","context":{}}""", "context")]
    [InlineData("POST", "/v1/secrets/resolve/explain", """{"user_id":null,"organization_id":"default","tool_name":"t"}""")]
    [InlineData("POST", "/api/v1/api-keys", """{"name":"n","scopes":["secrets:read"]}""")]
    [InlineData("POST", "/api/v1/api-keys/{key}/rotate", "{}")]
    [InlineData("POST", "/api/v1/encryption/rotate", """{"layer":"nothing"}""")]
    [InlineData("POST", "/api/v1/audit/verify", """{"at":"2026-01-01T00:00:00Z","count":0,"heads":[],"mac":"00"}""")]
    [InlineData("POST", "/api/v1/audit/verify", """{"at":"2026-01-01T00:00:00Z","count":1,"heads":[{"writer":"0198f3a0-22bb-7d73-b088-6c3f2d4e5f60","sequence":1,"hash":"00"}],"mac":"00"}""", "heads.0")]
    [InlineData("GET", "/api/v1/api-keys", null)]
    [InlineData("DELETE", "/api/v1/api-keys/{key}", null)]
    [InlineData("GET", "/api/v1/audit", null)]
    [InlineData("GET", "/api/v1/audit/verify", null)]
    [InlineData("GET", "/api/v1/audit/checkpoint", null)]
    [InlineData("GET", "/api/v1/encryption", null)]
    [InlineData("GET", "/api/v1/usage", null)]
    [InlineData("GET", "/api/v1/me", null)]
    public async Task Our_own_endpoints_refuse_unknown_members(string method, string path, string? body, string place = "")
    {
        using var @operator = server.Operator();
        path = path.Replace("{key}", Guid.NewGuid().ToString(), StringComparison.Ordinal);

        if (body is not null)
        {
            var json = JsonNode.Parse(body)!.AsObject();
            var extended = place switch { "" => json, "context" => json["context"]!.AsObject(), _ => json["heads"]![0]!.AsObject() };
            extended["expiresAt"] = "2026";
            var loc = place.Length == 0 ? "body.expiresAt" : $"body.{place}.expiresAt";
            (await @operator.SendAsync(new HttpMethod(method), path, json.ToJsonString())).MustBeInvalid($"{loc}: extra_forbidden");
        }

        (await @operator.SendAsync(new HttpMethod(method), $"{path}?a.b[0]=1&secretId=2", body)).MustBeInvalid("query: extra_forbidden", "query.secretId: extra_forbidden");
    }

    [Fact]
    public async Task The_dialects_ignore_unknown_members()
    {
        var organization = NewOrganization();
        using var admin = await server.NewKeyAsync(Guid.NewGuid(), ["secrets:read", "secrets:write"], organization, "admin");
        var id = (await admin.SendAsync(HttpMethod.Post, $"{Answers.Secrets}?x=1", """{"secret_name":"n","secret_value":"a value","x":1}""")).MustBeSecret().Id();

        (await admin.SendAsync(HttpMethod.Patch, $"{Answers.One(id)}?x=1", """{"tool_arg":"a","x":1}""")).MustBe(200);
        (await admin.GetAsync($"{Answers.Secrets}?x=1&x=2")).MustBe(200);
        (await admin.SendAsync(HttpMethod.Post, Vault, """{"alias":"n","value":"a value","allowed_workspaces_type":"ALL","x":1}""")).MustBe(200);
        (await admin.SendAsync(HttpMethod.Patch, Vault, """{"alias":"n","x":1}""")).MustBe(200);
        (await admin.GetAsync($"{Vault}?x=1")).MustBe(200);
    }

    [Fact]
    public async Task A_change_with_only_unknown_members_is_refused_and_an_empty_one_writes_no_row()
    {
        using var user = await server.NewUserAsync("secrets:read", "secrets:write", "audit:read");
        var id = await user.CreateSecretAsync("n");

        (await user.SendAsync(HttpMethod.Patch, Answers.One(id), """{"value":"x1234"}""")).MustBeInvalid("body: value_error");
        (await user.SendAsync(HttpMethod.Patch, Answers.One(id), "{}")).MustBe(200);
        (await user.SendAsync(HttpMethod.Patch, Answers.One(id))).MustBe(200);
        Assert.Equal("secret.create", Assert.Single((await user.GetAsync($"/api/v1/audit?secret_id={id}")).MustBe(200).Json["data"]!.AsArray())!.Text("action"));
        (await user.SendAsync(HttpMethod.Patch, Answers.One(id), """{"value":"x1234","tool_arg":"a"}""")).MustBe(200);
        Assert.Equal("a", (await user.GetAsync(Answers.One(id))).MustBeSecret().Text("tool_arg"));
    }

    [Theory]
    [InlineData("POST", "organization_id")]
    [InlineData("GET", "organization_id")]
    [InlineData("GET", "secret_name")]
    [InlineData("GET", "tool_name")]
    [InlineData("GET", "workspace")]
    [InlineData("GET", "cursor")]
    [InlineData("GET", "limit")]
    [InlineData("GET", "organization_id", "/api/v1/usage")]
    [InlineData("GET", "limit", "/api/v1/api-keys")]
    [InlineData("GET", "cursor", "/api/v1/api-keys")]
    [InlineData("GET", "action", "/api/v1/audit")]
    [InlineData("GET", "from", "/api/v1/audit")]
    [InlineData("GET", "secret_id", "/api/v1/audit")]
    [InlineData("GET", "workspace", Vault)]
    [InlineData("GET", "alias", Vault)]
    public async Task Repeated_and_empty_parameters_are_refused(string method, string name, string path = Answers.Secrets)
    {
        using var user = await server.NewUserAsync("secrets:read", "secrets:write", "keys:manage", "audit:read");
        foreach (var query in (string[])[$"{name}=", name, $"{name}=1&{name}=1", $"{name}=1&{name.ToUpperInvariant()}=2", $"{name}=&{name}=1"])
        {
            var answer = await user.SendAsync(new HttpMethod(method), $"{path}?{query}", method == "POST" ? """{"secret_name":"n","secret_value":"a value"}""" : null);
            if (path == Vault)
            {
                answer.MustBe(400);
            }
            else
            {
                answer.MustBeInvalid($"query.{name}: value_error");
            }
        }

        Assert.Empty((await user.GetAsync(Answers.Secrets)).MustBeList());
    }

    [Fact]
    public async Task A_workspace_key_resolves_only_in_that_workspace()
    {
        var organization = NewOrganization();
        using var support = await server.NewKeyAsync(Guid.NewGuid(), ["secrets:resolve", "audit:read"], organization, "member", "support");
        await server.StoreAsync(Owner(organization), new NewSecret("n", "some value", Tool, "a", IsDefault: true));

        Assert.Equal(["a=some value"], (await support.AskAsync(Resolve, Call(organization: organization, workspace: "support"))).Lines());
        foreach (var path in (string[])[Resolve, Explain])
        {
            (await support.AskAsync(path, Call(organization: organization, workspace: "finance"))).MustBeError(403);
            (await support.AskAsync(path, Call(organization: organization))).MustBeError(403);
        }

        Assert.Equal(
            ["secret.explain denied", "secret.explain denied", "secret.resolve denied", "secret.resolve denied", "secret.resolve success"],
            (await support.GetAsync("/api/v1/audit")).MustBe(200).Json["data"]!.AsArray().Select(row => $"{row!["action"]} {row["outcome"]}").Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Keys_of_two_workspaces_together_resolve_in_none()
    {
        var (organization, userId) = (NewOrganization(), Guid.NewGuid());
        using var support = await server.NewKeyAsync(userId, ["secrets:resolve"], organization, "member", "support");
        using var sales = await server.NewKeyAsync(userId, ["secrets:resolve"], organization, "member", "sales");
        foreach (var workspace in (string[])["support", "sales", "finance"])
        {
            var call = Call(user: userId, organization: organization, workspace: workspace).ToJsonString();
            (await support.SendAsync(HttpMethod.Post, Resolve, call, ("Authorization", $"Bearer {sales.Key}"))).MustBeError(403);
        }
    }
}
