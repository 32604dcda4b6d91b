using System.Text.Json.Nodes;
using Secrets.TestKit;

namespace Secrets.Api.Tests.V1;

public sealed class ReadingTheAudit(ApiServer server)
{
    private const string Path = "/api/v1/audit";
    private const string SecretsPath = "/api/v1/secrets";
    private static readonly string[] Everything = ["secrets:read", "secrets:write", "keys:manage", "audit:read"];

    [Fact]
    public async Task Each_write_is_one_row_and_reads_write_none()
    {
        using var user = await server.NewUserAsync(Everything);
        var id = await user.CreateSecretAsync("audited", "a value", "tool__*", "key", isDefault: true);
        (await user.GetAsync($"{SecretsPath}/{id}")).MustBe(200);
        (await user.GetAsync(SecretsPath)).MustBe(200);
        (await user.GetAsync("/api/v1/usage")).MustBe(200);
        (await user.PatchAsync($"{SecretsPath}/{id}", new JsonObject { ["tool_name"] = "other" })).MustBe(200);
        (await user.DeleteAsync($"{SecretsPath}/{id}")).MustBe(200);

        var rows = await RowsAsync(user, $"?actor={user.UserId}");

        Assert.Equal(["secret.delete 2 other", "secret.update 2 other", "secret.create 1 tool__*"], rows.Select(row => $"{row["action"]} {row["secret_version"]} {row["tool_name"]}"));
        Assert.All(rows, row =>
        {
            Assert.Equal(
                "action,actor,address,at,client_request_id,context,hash,key_id,left_out,outcome,owner,owner_version,request_id,secret_id,secret_version,sequence,target_key_id,token,tool_arg,tool_name,writer",
                string.Join(',', row.AsObject().Select(member => member.Key).Order(StringComparer.Ordinal)));
            Assert.Equal("success", row["outcome"]!.GetValue<string>());
            Assert.Equal(id, row["secret_id"]!.GetValue<Guid>());
            Assert.Equal("key", row["tool_arg"]!.GetValue<string>());
            Assert.Equal($$"""{"kind":"user","id":"{{user.UserId}}"}""", row["owner"]!.ToJsonString());
            Assert.Equal("127.0.0.1", row["address"]!.GetValue<string>());
            Assert.NotEmpty(row["request_id"]!.GetValue<string>());
            Assert.Matches("^[0-9a-f]{64}$", row["hash"]!.GetValue<string>());
            Assert.Matches("^[0-9-]{10}T[0-9:]{8}\\.[0-9]{6}Z$", row["at"]!.GetValue<string>());
        });
    }

    [Fact]
    public async Task Failures_that_are_not_refusals_write_no_row()
    {
        using var user = await server.NewUserAsync(Everything);
        var id = await user.CreateSecretAsync("taken");
        (await user.PostAsync(SecretsPath, new JsonObject { ["secret_name"] = "taken", ["secret_value"] = "a value" })).MustBe(409);
        (await user.PostAsync(SecretsPath, new JsonObject { ["secret_name"] = "n" })).MustBe(422);
        (await user.SendAsync(HttpMethod.Patch, $"{SecretsPath}/{id}", """{"tool_name":"t"}""", ("If-Match", "\"9\""))).MustBe(412);
        (await user.GetAsync("/api/v1/nothing")).MustBe(404);

        Assert.Equal(["secret.create"], await ActionsAsync(user));
    }

    [Fact]
    public async Task A_refusal_is_one_row()
    {
        using var owner = await server.NewUserAsync();
        using var user = await server.NewUserAsync("secrets:read", "secrets:write", "audit:read");
        var foreign = await owner.CreateSecretAsync("foreign");
        var unknown = Guid.NewGuid();
        (await user.GetAsync($"{SecretsPath}/{foreign}")).MustBe(404);
        (await user.PatchAsync($"{SecretsPath}/{foreign}", new JsonObject { ["tool_arg"] = "a" })).MustBe(404);
        (await user.DeleteAsync($"{SecretsPath}/{unknown}")).MustBe(404);
        (await user.GetAsync("/api/v1/api-keys")).MustBe(403);
        (await user.GetAsync($"{Path}/verify")).MustBe(403);

        var rows = await RowsAsync(user, $"?actor={user.UserId}");

        Assert.Equal(
            [
                "denied audit.verify ",
                "denied key.list ",
                $"denied secret.delete {unknown}",
                $"denied secret.update {foreign}",
                $"denied secret.get {foreign}",
            ],
            rows.Select(row => $"{row["outcome"]} {row["action"]} {row["secret_id"]}"));
        Assert.All(rows, row => Assert.Null(row["owner"]));
        Assert.DoesNotContain(await RowsOfOperatorAsync($"?actor={owner.UserId}"), row => row["outcome"]!.GetValue<string>() == "denied");
    }

    [Fact]
    public async Task A_refused_known_credential_is_one_row_and_an_unknown_one_none()
    {
        using var user = await server.NewUserAsync(Everything);
        using var other = await server.NewUserAsync();
        using var @operator = server.Operator();
        var made = (await @operator.PostAsync("/api/v1/api-keys", new JsonObject
        {
            ["name"] = "soon over",
            ["user_id"] = user.UserId.ToString(),
            ["scopes"] = new JsonArray("secrets:read"),
            ["expires_at"] = DateTimeOffset.UtcNow.AddSeconds(1).ToString("O"),
        })).MustBe(200).Json;
        using var expired = server.WithKey(made["key"]!.GetValue<string>());
        var keyId = made["id"]!.GetValue<Guid>();
        await Task.Delay(TimeSpan.FromSeconds(1.1), TestContext.Current.CancellationToken);
        using var nobody = server.Anonymous();

        (await expired.GetAsync(SecretsPath)).MustBe(401);
        (await nobody.SendAsync(HttpMethod.Get, SecretsPath, json: null, ("token", user.Key!), ("x-api-key", other.Key!))).MustBe(401);
        (await nobody.SendAsync(HttpMethod.Get, SecretsPath, json: null, ("token", "nonsense"))).MustBe(401);
        (await nobody.GetAsync(SecretsPath)).MustBe(401);
        (await expired.GetAsync("/health/live")).MustBe(200);

        var rows = await RowsAsync(user, $"?actor={user.UserId}");

        var own = await IdOfKeyAsync(user);
        Assert.Equal([$"authenticate denied {own}", $"authenticate denied {keyId}"], rows.Select(row => $"{row["action"]} {row["outcome"]} {row["key_id"]}"));
        Assert.Empty(await RowsOfOperatorAsync($"?actor={other.UserId}"));
    }

    [Fact]
    public async Task Using_a_revoked_key_writes_one_row_that_names_it()
    {
        using var user = await server.NewUserAsync(Everything);
        using var leaked = await server.NewKeyAsync(user.UserId, ["secrets:read"]);
        var keys = (await user.GetAsync("/api/v1/api-keys")).MustBe(200).Json["data"]!.AsArray();
        var id = keys.Single(key => leaked.Key!.StartsWith(key!["prefix"]!.GetValue<string>(), StringComparison.Ordinal))!["id"]!.GetValue<Guid>();
        (await user.DeleteAsync($"/api/v1/api-keys/{id}")).MustBe(200);

        (await leaked.GetAsync(SecretsPath)).MustBe(401);
        (await leaked.SendAsync(HttpMethod.Get, SecretsPath, json: null, ("token", user.Key!))).MustBe(401);

        var rows = await RowsAsync(user, $"?actor={user.UserId}");
        Assert.Equal(
            [$"authenticate denied {id} ", $"authenticate denied {id} ", $"key.delete success {await IdOfKeyAsync(user)} {id}"],
            rows.Select(row => $"{row["action"]} {row["outcome"]} {row["key_id"]} {row["target_key_id"]}"));
    }

    [Fact]
    public async Task Each_released_value_is_one_row_and_the_receipt_is_the_last()
    {
        using var user = await server.NewUserAsync("secrets:read", "secrets:write", "secrets:resolve", "audit:read");
        var one = await user.CreateSecretAsync("one", "value one", "tool__*", "one", isDefault: true);
        var two = await user.CreateSecretAsync("two", "value two", "tool__get", "two", isDefault: true);
        var call = new JsonObject { ["tool_name"] = "tool__get", ["tool_args"] = new JsonArray("one", "two", "three") };
        var nothing = new JsonObject { ["tool_name"] = "other" };

        var answer = (await user.AskAsync(ToolCalls.Resolve, call)).MustBe(200);
        (await user.AskAsync(ToolCalls.Resolve, nothing)).MustBe(200);
        (await user.AskAsync(ToolCalls.Explain, call)).MustBe(200);

        var rows = await RowsAsync(user, "?action=secret.resolve");
        Assert.Equal(
            new[] { $"success {one} 1 tool__get one", $"success {two} 1 tool__get two" }.Order(StringComparer.Ordinal),
            rows.Select(row => $"{row["outcome"]} {row["secret_id"]} {row["secret_version"]} {row["tool_name"]} {row["tool_arg"]}").Order(StringComparer.Ordinal));
        var last = rows.MaxBy(row => row["sequence"]!.GetValue<long>())!;
        Assert.Equal(
            $$"""{"writer":"{{last["writer"]}}","sequence":{{last["sequence"]}},"hash":"{{last["hash"]}}","request_id":"{{last["request_id"]}}"}""", answer.Json["receipt"]!.ToJsonString());
    }

    [Fact]
    public async Task Key_operations_are_audited_with_key_ids()
    {
        using var user = await server.NewUserAsync(Everything);
        var made = (await user.PostAsync("/api/v1/api-keys", new JsonObject { ["name"] = "k", ["scopes"] = new JsonArray("secrets:read") })).MustBe(200);
        var id = made.Json["id"]!.GetValue<Guid>();
        (await user.DeleteAsync($"/api/v1/api-keys/{id}")).MustBe(200);
        (await user.DeleteAsync($"/api/v1/api-keys/{id}")).MustBe(404);
        (await user.PostAsync("/api/v1/api-keys", new JsonObject { ["name"] = "k", ["scopes"] = new JsonArray("operator") })).MustBe(403);

        var rows = await RowsAsync(user, $"?actor={user.UserId}");

        Assert.Equal(
            ["key.create denied ", $"key.delete denied {id}", $"key.delete success {id}", $"key.create success {id}"],
            rows.Select(row => $"{row["action"]} {row["outcome"]} {row["target_key_id"]}"));
        var own = await IdOfKeyAsync(user);
        Assert.All(rows, row => Assert.Equal(own, row["key_id"]!.GetValue<string>()));
    }

    [Fact]
    public async Task Users_see_their_own_actions_and_actions_on_their_data_only()
    {
        using var one = await server.NewUserAsync("secrets:write", "audit:read");
        using var other = await server.NewUserAsync("secrets:write", "audit:read");
        await one.CreateSecretAsync("one");
        await other.CreateSecretAsync("other");

        // The operator created the keys, so these rows have the operator as actor and the users as owners.
        Assert.Equal(["secret.create", "key.create"], (await RowsAsync(one)).Select(row => row["action"]!.GetValue<string>()));
        Assert.All(await RowsAsync(one), row => Assert.Equal(one.UserId.ToString(), row["owner"]!["id"]!.GetValue<string>()));
        Assert.Empty(await RowsAsync(one, $"?actor={other.UserId}"));
        Assert.Equal(["secret.create"], (await RowsOfOperatorAsync($"?actor={other.UserId}")).Select(row => row["action"]!.GetValue<string>()));
    }

    [Fact]
    public async Task Admins_see_rows_of_their_organisation_and_members_do_not()
    {
        var organization = $"org-{Guid.NewGuid():N}";
        using var @operator = server.Operator();
        var admin = await KeyInAsync(organization, "admin");
        var member = await KeyInAsync(organization, "member");
        var elsewhere = await KeyInAsync(organization + "-2", "admin");

        Assert.Equal([organization, organization], (await RowsAsync(admin)).Select(row => row["owner"]!["id"]!.GetValue<string>()));
        Assert.Empty(await RowsAsync(member));
        Assert.Equal([organization + "-2"], (await RowsAsync(elsewhere)).Select(row => row["owner"]!["id"]!.GetValue<string>()));

        async Task<ApiClient> KeyInAsync(string id, string role)
        {
            var made = await @operator.PostAsync("/api/v1/api-keys", new JsonObject
            {
                ["name"] = role,
                ["user_id"] = Guid.NewGuid().ToString(),
                ["scopes"] = new JsonArray("audit:read"),
                ["organization_id"] = id,
                ["role"] = role,
            });
            return server.WithKey(made.MustBe(200).Json["key"]!.GetValue<string>());
        }
    }

    [Fact]
    public async Task A_user_id_equal_to_an_organisation_name_grants_no_access()
    {
        using var user = await server.NewUserAsync("audit:read");
        using var @operator = server.Operator();
        (await @operator.PostAsync("/api/v1/api-keys", new JsonObject
        {
            ["name"] = "k",
            ["user_id"] = Guid.NewGuid().ToString(),
            ["scopes"] = new JsonArray("audit:read"),
            ["organization_id"] = user.UserId.ToString(),
        })).MustBe(200);

        Assert.Equal(["user"], (await RowsAsync(user)).Select(row => row["owner"]!["kind"]!.GetValue<string>()));
    }

    [Fact]
    public async Task Filters_narrow_and_combine()
    {
        using var user = await server.NewUserAsync(Everything);
        var one = await user.CreateSecretAsync("one");
        var two = await user.CreateSecretAsync("two");
        (await user.DeleteAsync($"{SecretsPath}/{one}")).MustBe(200);
        (await user.GetAsync($"{SecretsPath}/{one}")).MustBe(404);
        var at = (await RowsAsync(user, $"?secret_id={two}"))[0]["at"]!.GetValue<string>();

        Assert.Equal(["secret.get", "secret.delete", "secret.create"], await ActionsAsync(user, $"&secret_id={one}"));
        Assert.Equal(["secret.get"], await ActionsAsync(user, $"&secret_id={one}&outcome=denied"));
        Assert.Equal(["secret.create", "secret.create"], await ActionsAsync(user, "&action=secret.create"));
        Assert.Equal(["secret.get", "secret.delete", "secret.create"], await ActionsAsync(user, $"&from={at}"));
        Assert.Equal(["secret.create"], await ActionsAsync(user, $"&to={at}"));
        Assert.Empty(await ActionsAsync(user, $"&from={at}&to={at}"));
        Assert.Equal(["secret.create"], await ActionsAsync(user, $"&to={Uri.EscapeDataString(DateTimeOffset.Parse(at, null).ToOffset(TimeSpan.FromHours(5)).ToString("yyyy-MM-ddTHH:mm:ss.ffffffK", null))}"));
    }

    [Theory]
    [InlineData("secret_id=x", "secret_id", "uuid_parsing")]
    [InlineData("actor=x", "actor", "uuid_parsing")]
    [InlineData("secret_id=%20", "secret_id", "uuid_parsing")]
    [InlineData("actor=%20%20", "actor", "uuid_parsing")]
    [InlineData("action=%20", "action", "value_error")]
    [InlineData("outcome=%09", "outcome", "value_error")]
    [InlineData("from=%20", "from", "datetime_parsing")]
    [InlineData("action=x", "action", "value_error")]
    [InlineData("outcome=Denied", "outcome", "value_error")]
    [InlineData("from=yesterday", "from", "datetime_parsing")]
    [InlineData("from=2026-01-01", "from", "datetime_parsing")]
    [InlineData("to=2026-01-01T00:00:00", "to", "datetime_parsing")]
    [InlineData("limit=0", "limit", "value_error")]
    [InlineData("limit=1001", "limit", "value_error")]
    [InlineData("cursor=CN5J9nSWoAAAESIzRFVmd4iZqrvM3e7_", "cursor", "value_error")]
    public async Task Faults_of_a_filter_are_named(string query, string place, string type)
    {
        using var user = await server.NewUserAsync("audit:read");
        var error = Assert.Single((await user.GetAsync($"{Path}?{query}")).MustBe(422).Json["detail"]!.AsArray())!;
        Assert.Equal($"query,{place}", string.Join(',', error["loc"]!.AsArray()));
        Assert.Equal(type, error["type"]!.GetValue<string>());
    }

    [Fact]
    public async Task Pages_are_newest_first_and_have_100_rows_by_default()
    {
        using var user = await server.NewUserAsync("secrets:read", "audit:read");
        await Task.WhenAll(Enumerable.Range(0, 120).Select(_ => user.GetAsync($"{SecretsPath}/{Guid.NewGuid()}")));
        var all = await RowsAsync(user, "?limit=1000");

        var seen = new List<string>();
        string? cursor = null;
        do
        {
            var page = (await user.GetAsync($"{Path}?limit=7{(cursor is null ? "" : $"&cursor={cursor}")}")).MustBe(200).Json;
            seen.AddRange(page["data"]!.AsArray().Select(row => row!["hash"]!.GetValue<string>()));
            cursor = page["next_cursor"]?.GetValue<string>();
        }
        while (cursor is not null);

        Assert.Equal(121, all.Count);
        Assert.Equal(all.Select(row => row["hash"]!.GetValue<string>()), seen);
        Assert.Equal(all.OrderByDescending(row => row["at"]!.GetValue<string>(), StringComparer.Ordinal).Select(row => row["at"]!.ToString()), all.Select(row => row["at"]!.ToString()));
        Assert.Equal(100, (await RowsAsync(user)).Count);
    }

    [Fact]
    public async Task Reading_and_checking_need_their_scopes()
    {
        using var user = await server.NewUserAsync("secrets:read", "secrets:write", "secrets:resolve", "keys:manage");
        (await user.GetAsync(Path)).MustBe(403);
        using var reader = await server.NewUserAsync("audit:read");
        (await reader.GetAsync($"{Path}/verify")).MustBe(403);
    }

    private static async Task<List<JsonNode>> RowsAsync(ApiClient client, string query = "") =>
        [.. (await client.GetAsync(Path + query)).MustBe(200).Json["data"]!.AsArray().Select(row => row!)];

    private async Task<List<JsonNode>> RowsOfOperatorAsync(string query)
    {
        using var @operator = server.Operator();
        return await RowsAsync(@operator, query);
    }

    private static async Task<IEnumerable<string>> ActionsAsync(ApiClient user, string query = "") =>
        (await RowsAsync(user, $"?actor={user.UserId}{query}")).Select(row => row["action"]!.GetValue<string>());

    private static async Task<string> IdOfKeyAsync(ApiClient client) => (await client.GetAsync("/api/v1/me")).MustBe(200).Json["credential"]!["id"]!.GetValue<string>();
}
