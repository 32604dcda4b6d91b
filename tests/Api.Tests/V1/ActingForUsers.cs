using System.Text.Json.Nodes;
using Secrets.TestKit;
using static Secrets.Api.Tests.V1.ToolCalls;

namespace Secrets.Api.Tests.V1;

/// <summary>A backend with the scope users:act manages secrets of its users. Other callers may not name a user.</summary>
public sealed class ActingForUsers(ApiServer server)
{
    private const string Usage = "/api/v1/usage";

    private static readonly string[] Backend = ["secrets:read", "secrets:write", "users:act", "audit:read"];

    [Fact]
    public async Task A_backend_manages_secrets_that_belong_to_the_user()
    {
        using var backend = await server.NewUserAsync(Backend);
        using var user = await server.NewUserAsync();
        var own = await backend.CreateSecretAsync("the backend's own");
        var named = $"?user_id={user.UserId}";

        var made = (await backend.SendAsync(HttpMethod.Post, $"{Answers.Secrets}/{named}", Body("stored"))).MustBeSecret();
        var id = Answers.One(made.Id());

        Assert.Equal(user.UserId, made["user_id"]!.GetValue<Guid>());
        Assert.Equal(["stored"], Names(await user.GetAsync(Answers.Secrets)));
        Assert.Equal(["stored"], Names(await backend.GetAsync(Answers.Secrets + named)));
        Assert.Equal(["stored"], Names(await backend.GetAsync($"{Answers.Secrets}{named}&secret_name=stored")));
        Assert.Equal(["the backend's own"], Names(await backend.GetAsync(Answers.Secrets)));
        (await user.GetAsync(id)).MustBe(200);
        (await backend.GetAsync(id + named)).MustBe(200);
        Assert.Equal("renamed", (await backend.PatchAsync(id + named, new JsonObject { ["secret_name"] = "renamed" })).MustBeSecret().Text("secret_name"));
        Assert.Equal(["renamed"], Names(await user.GetAsync(Answers.Secrets)));
        (await backend.DeleteAsync(id + named)).MustBe(200);
        (await user.GetAsync(id)).MustBe(404);
        (await backend.GetAsync(Answers.One(own))).MustBe(200);
    }

    [Fact]
    public async Task A_runtime_resolves_the_values_stored_for_the_user()
    {
        using var backend = await server.NewUserAsync(Backend);
        using var runtime = await server.NewUserAsync(Runtime);
        var user = Guid.NewGuid();
        var body = new JsonObject { ["secret_name"] = "n", ["secret_value"] = "first value", ["tool_name"] = Tool, ["tool_arg"] = "a", ["is_default_for_tool"] = true };
        var id = (await backend.PostAsync($"{Answers.Secrets}?user_id={user}", body)).MustBeSecret().Id();
        runtime.UserId = user;

        Assert.Equal(["a=first value"], (await runtime.AskAsync(Resolve, Call())).Lines());
        (await backend.PatchAsync($"{Answers.One(id)}?user_id={user}", new JsonObject { ["secret_value"] = "second value" })).MustBe(200);
        Assert.Equal(["a=second value"], (await runtime.AskAsync(Resolve, Call())).Lines());
    }

    [Fact]
    public async Task Naming_any_user_needs_the_scope()
    {
        using var user = await server.NewUserAsync();
        using var victim = await server.NewUserAsync("secrets:read", "secrets:write", "audit:read");
        using var runtime = await server.NewUserAsync([.. Runtime, "keys:manage", "audit:read"]);
        using var member = await server.NewKeyAsync(Guid.NewGuid(), ["secrets:read", "secrets:write"], NewOrganization(), "admin");
        var id = Answers.One(await victim.CreateSecretAsync("kept"));
        var names = (string[])[$"?user_id={victim.UserId}", $"?USER_ID={victim.UserId:N}", "?user=ada", $"?user_id={Guid.NewGuid()}", $"?user_id={ApiClient.BootstrapUser}"];

        foreach (var caller in (ApiClient[])[user, runtime, member])
        {
            foreach (var named in (IEnumerable<string>)[.. names, $"?user_id={caller.UserId}"])
            {
                (await caller.SendAsync(HttpMethod.Post, Answers.Secrets + named, Body("planted"))).MustBeError(403);
                (await caller.GetAsync(Answers.Secrets + named)).MustBeError(403);
                (await caller.GetAsync(id + named)).MustBeError(403);
                (await caller.PatchAsync(id + named, new JsonObject { ["secret_name"] = "taken" })).MustBeError(403);
                (await caller.DeleteAsync(id + named)).MustBeError(403);
                (await caller.GetAsync(Usage + named)).MustBeError(403);
            }
        }

        Assert.Equal(["kept"], Names(await victim.GetAsync(Answers.Secrets)));

        // The refusals do not appear in the victim's audit.
        Assert.Equal(["secret.create"], (await RowsAsync(victim)).Select(row => row.Text("action")));
        Assert.All(await RowsAsync(runtime), row => Assert.Equal(("denied", null), (row.Text("outcome"), OwnerOf(row))));
    }

    [Theory]
    [InlineData("secrets:read")]
    [InlineData("secrets:write")]
    [InlineData("")]
    public async Task Naming_a_user_grants_no_other_scope(string scope)
    {
        using var user = await server.NewUserAsync();
        using var backend = await server.NewUserAsync([.. scope.Split(' ', StringSplitOptions.RemoveEmptyEntries), "users:act"]);
        var id = await user.CreateSecretAsync("n");
        var named = $"?user_id={user.UserId}";
        var (read, write) = (scope == "secrets:read" ? 200 : 403, scope == "secrets:write" ? 200 : 403);

        (await backend.GetAsync(Answers.Secrets + named)).MustBe(read);
        (await backend.GetAsync(Answers.One(id) + named)).MustBe(read);
        (await backend.GetAsync(Usage + named)).MustBe(read);
        (await backend.SendAsync(HttpMethod.Post, Answers.Secrets + named, Body("m"))).MustBe(write);
        (await backend.PatchAsync(Answers.One(id) + named, new JsonObject { ["secret_name"] = "r" })).MustBe(write);
        (await backend.DeleteAsync(Answers.One(id) + named)).MustBe(write);
        (await backend.GetAsync("/api/v1/me")).MustBe(200);
    }

    [Fact]
    public async Task Only_secrets_of_the_named_user_exist()
    {
        var organization = NewOrganization();
        using var backend = await server.NewUserAsync(Backend);
        using var admin = await server.NewKeyAsync(backend.UserId, ["secrets:read", "secrets:write"], organization, "admin");
        using var user = await server.NewUserAsync();
        using var other = await server.NewUserAsync();
        var shared = (await admin.SendAsync(HttpMethod.Post, $"{Answers.Secrets}?organization_id={organization}", Body("shared"))).MustBe(200).Json.AsObject().Id();
        var ids = (Guid[])[await other.CreateSecretAsync("another's"), await backend.CreateSecretAsync("the backend's"), shared, Guid.NewGuid()];

        foreach (var id in ids)
        {
            var asked = $"{Answers.One(id)}?user_id={user.UserId}";
            (await backend.GetAsync(asked)).MustBeError(404, "Not found");
            (await backend.PatchAsync(asked, new JsonObject { ["secret_name"] = "taken" })).MustBeError(404, "Not found");
            (await backend.PatchAsync(asked, new JsonObject())).MustBeError(404, "Not found");
            (await backend.DeleteAsync(asked)).MustBeError(404, "Not found");
            (await backend.SendAsync(HttpMethod.Delete, asked, json: null, ("If-Match", "*"))).MustBeError(404, "Not found");
        }

        (await other.GetAsync(Answers.One(ids[0]))).MustBe(200);
        (await backend.GetAsync(Answers.One(ids[1]))).MustBe(200);
        (await backend.GetAsync(Answers.One(await user.CreateSecretAsync("not named")))).MustBeError(404);
    }

    [Fact]
    public async Task Organisations_of_the_credential_do_not_apply_to_the_named_user()
    {
        using var bootstrap = server.Operator();
        using var user = await server.NewUserAsync();
        var (name, named) = ($"shared-{Guid.NewGuid():N}", $"?user_id={user.UserId}");
        var shared = Answers.One((await bootstrap.SendAsync(HttpMethod.Post, $"{Answers.Secrets}?organization_id=default", Body(name))).MustBe(200).Json.AsObject().Id());
        (await bootstrap.GetAsync(shared)).MustBe(200);

        (await bootstrap.GetAsync(shared + named)).MustBeError(404, "Not found");
        (await bootstrap.PatchAsync(shared + named, new JsonObject { ["tool_arg"] = "a" })).MustBeError(404, "Not found");
        (await bootstrap.DeleteAsync(shared + named)).MustBeError(404, "Not found");
        (await bootstrap.GetAsync($"{shared}?user_id={ApiClient.BootstrapUser}")).MustBeError(404, "Not found");
        Assert.Empty(Names(await bootstrap.GetAsync($"{Answers.Secrets}{named}&workspace=w")));
        (await bootstrap.DeleteAsync(shared)).MustBe(200);
    }

    [Fact]
    public async Task Naming_oneself_changes_nothing()
    {
        using var backend = await server.NewUserAsync(Backend);
        using var @operator = await server.NewUserAsync("operator", "secrets:read", "users:act");
        await backend.CreateSecretAsync("own");

        Assert.Equal(["own"], Names(await backend.GetAsync($"{Answers.Secrets}?user_id={backend.UserId}")));
        Assert.Empty(Names(await @operator.GetAsync($"{Answers.Secrets}?user_id={@operator.UserId}")));
    }

    [Fact]
    public async Task Operators_cannot_be_named()
    {
        using var backend = await server.NewUserAsync(Backend);
        using var @operator = await server.NewUserAsync("operator", "secrets:read", "secrets:write", "audit:read");
        using var another = await server.NewKeyAsync(Guid.NewGuid(), ["operator"], NewOrganization(), "admin");
        var id = await @operator.CreateSecretAsync("kept");

        foreach (var user in (Guid[])[@operator.UserId, another.UserId, ApiClient.BootstrapUser])
        {
            foreach (var caller in (ApiClient[])[backend, await server.NewUserAsync([.. Backend, "operator"])])
            {
                var named = $"?user_id={user}";
                (await caller.SendAsync(HttpMethod.Post, Answers.Secrets + named, Body("planted"))).MustBeError(404, "Not found");
                (await caller.GetAsync(Answers.Secrets + named)).MustBeError(404, "Not found");
                (await caller.GetAsync(Answers.One(id) + named)).MustBeError(404, "Not found");
                (await caller.PatchAsync(Answers.One(id) + named, new JsonObject { ["secret_name"] = "taken" })).MustBeError(404, "Not found");
                (await caller.DeleteAsync(Answers.One(id) + named)).MustBeError(404, "Not found");
                (await caller.GetAsync(Usage + named)).MustBeError(404, "Not found");
            }
        }

        // Each refusal is one row, and the named user sees the row.
        var denied = (await RowsAsync(backend)).Where(row => row.Text("outcome") == "denied").ToList();
        Assert.Equal(18, denied.Count);
        Assert.Equal(6, denied.Count(row => OwnerOf(row) == @operator.UserId.ToString()));
        Assert.Equal(["kept"], Names(await @operator.GetAsync(Answers.Secrets)));
    }

    [Fact]
    public async Task A_user_is_an_operator_while_any_operator_key_is_valid()
    {
        using var backend = await server.NewUserAsync(Backend);
        using var bootstrap = server.Operator();
        using var user = await server.NewUserAsync();
        var named = $"{Answers.Secrets}?user_id={user.UserId}";
        (await backend.GetAsync(named)).MustBe(200);

        using var first = await server.NewKeyAsync(user.UserId, ["operator"]);
        (await backend.GetAsync(named)).MustBe(404);
        var brief = new JsonObject { ["name"] = "brief", ["scopes"] = new JsonArray("operator"), ["user_id"] = user.UserId.ToString(), ["expires_at"] = DateTimeOffset.UtcNow.AddSeconds(2).ToString("O") };
        (await bootstrap.PostAsync("/api/v1/api-keys", brief)).MustBe(200);
        (await bootstrap.DeleteAsync($"/api/v1/api-keys/{await KeyIdAsync(first)}")).MustBe(200);
        (await backend.GetAsync(named)).MustBe(404);
        await Task.Delay(TimeSpan.FromSeconds(2.1));
        (await backend.GetAsync(named)).MustBe(200);
    }

    [Fact]
    public async Task Naming_a_user_and_an_organisation_is_refused()
    {
        var organization = NewOrganization();
        using var backend = await server.NewUserAsync(Backend);
        foreach (var named in (string[])[$"user_id={Guid.NewGuid()}", "user=ada", $"user_id={backend.UserId}"])
        {
            foreach (var with in (string[])[$"organization_id={organization}", $"ORGANIZATION_ID={organization}", "organization_id="])
            {
                (await backend.GetAsync($"{Answers.Secrets}?{named}&{with}")).MustBeInvalid("query.organization_id: value_error");
                (await backend.GetAsync($"{Usage}?{with}&{named}")).MustBeInvalid("query.organization_id: value_error");
                (await backend.SendAsync(HttpMethod.Post, $"{Answers.Secrets}?{named}&{with}", Body("n"))).MustBeInvalid("query.organization_id: value_error");
            }
        }
    }

    [Theory]
    [InlineData("user_id=", "query.user_id: value_error")]
    [InlineData("user_id", "query.user_id: value_error")]
    [InlineData("user_id=nobody", "query.user_id: uuid_parsing")]
    [InlineData("user_id=null", "query.user_id: uuid_parsing")]
    [InlineData("user_id={0}&user_id={0}", "query.user_id: value_error")]
    [InlineData("user_id={0}&USER_ID={0}", "query.user_id: value_error")]
    [InlineData("user_id={0}&User_Id=", "query.user_id: value_error")]
    [InlineData("user_id=%7B{0}%7D", "query.user_id: uuid_parsing")]
    [InlineData("user_id=%20{0}", "query.user_id: uuid_parsing")]
    [InlineData("user=", "query.user: value_error")]
    [InlineData("user=a&user=a", "query.user: value_error")]
    [InlineData("user=a&USER=b", "query.user: value_error")]
    [InlineData("user_id={0}&user=a", "query.user: value_error")]
    [InlineData("user_id={0}&user=", "query.user: value_error", "query.user: value_error")]
    [InlineData("USER=a&USER_ID={0}", "query.user: value_error")]
    [InlineData("user={0}", "query.user: value_error")]
    [InlineData("user=%7B{0}%7D", "query.user: value_error")]
    [InlineData("user=urn:uuid:{0}", "query.user: value_error")]
    [InlineData("user=%20ada", "query.user: value_error")]
    [InlineData("user=ada%20", "query.user: value_error")]
    [InlineData("user=ada%0A", "query.user: value_error")]
    [InlineData("user=a%07da", "query.user: value_error")]
    [InlineData("user=a%00da", "query.user: value_error")]
    [InlineData("user=a%C2%85da", "query.user: value_error")]
    public async Task An_ambiguous_or_invalid_user_is_refused(string query, params string[] expected)
    {
        using var backend = await server.NewUserAsync(Backend);
        using var user = await server.NewUserAsync();
        query = string.Format(System.Globalization.CultureInfo.InvariantCulture, query, Guid.NewGuid());

        foreach (var caller in (ApiClient[])[backend, user])
        {
            (await caller.GetAsync($"{Answers.Secrets}?{query}")).MustBeInvalid(expected);
            (await caller.GetAsync($"/v1/secrets/?{query}")).MustBeInvalid(expected);
            (await caller.GetAsync($"{Usage}?{query}")).MustBeInvalid(expected);
            (await caller.SendAsync(HttpMethod.Post, $"{Answers.Secrets}?{query}", Body("n"))).MustBeInvalid(expected);
            (await caller.DeleteAsync($"{Answers.One(Guid.NewGuid())}?{query}")).MustBeInvalid(expected);
        }
    }

    [Theory]
    [InlineData("POST", "/api/v1/secrets/resolve", """{"tool_name":"t","user_id":null,"organization_id":"o"}""")]
    [InlineData("POST", "/api/v1/secrets/resolve/explain", """{"tool_name":"t","user_id":null,"organization_id":"o"}""")]
    [InlineData("POST", "/api/v1/api-keys", """{"name":"n","scopes":["secrets:read"]}""")]
    [InlineData("GET", "/api/v1/api-keys", null)]
    [InlineData("GET", "/api/v1/audit", null)]
    [InlineData("GET", "/api/v1/me", null)]
    public async Task Endpoints_without_acting_refuse_the_parameter(string method, string path, string? body)
    {
        using var @operator = server.Operator();
        foreach (var name in (string[])["user_id", "user"])
        {
            (await @operator.SendAsync(new HttpMethod(method), $"{path}?{name}={Guid.NewGuid()}", body)).MustBeInvalid($"query.{name}: extra_forbidden");
        }
    }

    [Fact]
    public async Task Backend_and_user_both_see_the_audit_row()
    {
        using var backend = await server.NewUserAsync(Backend);
        using var user = await server.NewUserAsync("secrets:read", "secrets:write", "audit:read");
        using var other = await server.NewUserAsync("audit:read");
        var named = $"?user_id={user.UserId}";
        var id = (await backend.SendAsync(HttpMethod.Post, Answers.Secrets + named, Body("n"))).MustBeSecret().Id();
        (await backend.PatchAsync(Answers.One(id) + named, new JsonObject { ["secret_name"] = "m" })).MustBe(200);
        (await backend.GetAsync(Answers.One(Guid.NewGuid()) + named)).MustBe(404);
        (await backend.DeleteAsync(Answers.One(id) + named)).MustBe(200);

        var rows = await RowsAsync(user);

        Assert.Equal(["secret.delete success", "secret.get denied", "secret.update success", "secret.create success"], rows.Select(row => $"{row["action"]} {row["outcome"]}"));
        Assert.All(rows, row => Assert.Equal(
            (backend.UserId.ToString(), user.UserId.ToString(), true), (row.Text("actor"), OwnerOf(row), row["key_id"] is not null)));
        Assert.Equal(rows.Select(row => row.ToJsonString()), (await RowsAsync(backend)).Select(row => row.ToJsonString()));
        Assert.Empty(await RowsAsync(other));
    }

    [Fact]
    public async Task Quota_and_usage_belong_to_the_user()
    {
        using var backend = await server.NewUserAsync(Backend);
        using var user = await server.NewUserAsync();
        var named = $"?user_id={user.UserId}";
        var body = new JsonObject { ["secret_value"] = new string('v', 1_000) };
        for (var at = 0; at < ApiServer.Quota / 1_000; at++)
        {
            body["secret_name"] = $"n{at}";
            (await backend.PostAsync(Answers.Secrets + named, body)).MustBe(200);
        }

        body["secret_name"] = "one more";
        (await backend.PostAsync(Answers.Secrets + named, body)).MustBeError(413);
        (await user.PostAsync(Answers.Secrets, body)).MustBeError(413);
        (await backend.PostAsync(Answers.Secrets, body)).MustBe(200);
        Assert.Equal(ApiServer.Quota, (await backend.GetAsync(Usage + named)).MustBe(200).Json["bytes_used"]!.GetValue<int>());
        Assert.Equal(1_000, (await backend.GetAsync(Usage)).MustBe(200).Json["bytes_used"]!.GetValue<int>());
    }

    [Fact]
    public async Task Names_and_defaults_are_unique_per_named_user()
    {
        using var backend = await server.NewUserAsync(Backend);
        var (one, other) = ($"?user_id={Guid.NewGuid()}", $"?user_id={Guid.NewGuid()}");

        (await backend.SendAsync(HttpMethod.Post, Answers.Secrets + one, Body("same"))).MustBe(200);
        (await backend.SendAsync(HttpMethod.Post, Answers.Secrets + other, Body("same"))).MustBe(200);
        (await backend.SendAsync(HttpMethod.Post, Answers.Secrets + one, Body("same"))).MustBeError(409);
        (await backend.SendAsync(HttpMethod.Post, Answers.Secrets, Body("same"))).MustBe(200);
    }

    [Fact]
    public async Task Only_operators_grant_the_scope_and_never_to_organisation_keys()
    {
        using var backend = await server.NewUserAsync([.. Backend, "keys:manage"]);
        using var @operator = server.Operator();
        var key = new JsonObject { ["name"] = "n", ["scopes"] = new JsonArray("secrets:read", "users:act") };
        var own = await KeyIdAsync(backend);

        (await backend.PostAsync("/api/v1/api-keys", key)).MustBeError(403);
        (await backend.SendAsync(HttpMethod.Post, $"/api/v1/api-keys/{own}/rotate")).MustBeError(403);
        var successor = (await @operator.SendAsync(HttpMethod.Post, $"/api/v1/api-keys/{own}/rotate")).MustBe(200).Json;
        using var rotated = server.WithKey(successor.Text("key")!);
        (await rotated.GetAsync($"{Answers.Secrets}?user_id={Guid.NewGuid()}")).MustBe(200);
        key["scopes"]!.AsArray().RemoveAt(1);
        key["expires_at"] = DateTimeOffset.UtcNow.AddMinutes(1).ToString("O"); // the rotated key expires, so its keys must expire too
        (await backend.PostAsync("/api/v1/api-keys", key)).MustBe(200);
        key["scopes"] = new JsonArray("users:act");
        key["organization_id"] = NewOrganization();
        (await @operator.PostAsync("/api/v1/api-keys", key)).MustBeInvalid("body.organization_id: value_error");
        key["scopes"] = new JsonArray("users:act", "users:act", "operator");
        key["organization_id"] = "default";
        (await @operator.PostAsync("/api/v1/api-keys", key)).MustBeInvalid("body.organization_id: value_error");
    }

    [Fact]
    public async Task Operators_cannot_have_keys_that_act_for_users()
    {
        using var bootstrap = server.Operator();
        using var @operator = await server.NewUserAsync("operator", "keys:manage", "users:act");
        using var former = await server.NewUserAsync("operator");
        (await bootstrap.DeleteAsync($"/api/v1/api-keys/{await KeyIdAsync(former)}")).MustBe(200);
        var name = $"root {Guid.NewGuid():N}";
        (await bootstrap.PostAsync("/api/v1/api-keys", new JsonObject { ["name"] = "k", ["scopes"] = new JsonArray("operator"), ["user"] = name })).MustBe(200);
        JsonObject Key(string? userId) => new() { ["name"] = "k", ["scopes"] = new JsonArray("users:act"), ["user_id"] = userId };

        (await bootstrap.PostAsync("/api/v1/api-keys", Key(userId: null))).MustBeInvalid("body.user_id: value_error");
        (await bootstrap.PostAsync("/api/v1/api-keys", Key(ApiClient.BootstrapUser.ToString()))).MustBeInvalid("body.user_id: value_error");
        (await bootstrap.PostAsync("/api/v1/api-keys", Key(@operator.UserId.ToString()))).MustBeInvalid("body.user_id: value_error");
        (await @operator.PostAsync("/api/v1/api-keys", Key(userId: null))).MustBeInvalid("body.user_id: value_error");
        var named = Key(userId: null);
        named.Remove("user_id");
        named["user"] = name;
        (await bootstrap.PostAsync("/api/v1/api-keys", named)).MustBeInvalid("body.user: value_error");

        (await bootstrap.PostAsync("/api/v1/api-keys", Key(former.UserId.ToString()))).MustBe(200);
        var both = Key(@operator.UserId.ToString());
        both["scopes"] = new JsonArray("users:act", "operator");
        (await bootstrap.PostAsync("/api/v1/api-keys", both)).MustBe(200);
    }

    [Fact]
    public async Task A_key_whose_scopes_were_raised_in_the_database_is_refused()
    {
        using var user = await server.NewUserAsync();
        using var victim = await server.NewUserAsync();
        await server.ExecuteSqlAsync("UPDATE api_keys SET scopes = scopes + 64 WHERE user_id = @user", ("user", user.UserId));

        (await user.GetAsync($"{Answers.Secrets}?user_id={victim.UserId}")).MustBe(401);
    }

    [Fact]
    public async Task Removing_an_operator_key_in_SQL_does_not_make_the_operator_nameable()
    {
        using var backend = await server.NewUserAsync(Backend);
        using var @operator = await server.NewUserAsync("operator", "secrets:read");
        var named = $"{Answers.Secrets}?user_id={@operator.UserId}";
        await server.ExecuteSqlAsync("UPDATE api_keys SET scopes = 1 WHERE user_id = @user", ("user", @operator.UserId));
        (await backend.GetAsync(named)).MustBeError(409);
        await server.ExecuteSqlAsync("DELETE FROM api_keys WHERE user_id = @user", ("user", @operator.UserId));
        (await backend.GetAsync(named)).MustBeError(409);
    }

    [Fact]
    public async Task With_two_credentials_both_must_have_the_scope()
    {
        using var backend = await server.NewUserAsync(Backend);
        using var lesser = await server.NewKeyAsync(backend.UserId, ["secrets:read"]);
        var named = $"{Answers.Secrets}?user_id={Guid.NewGuid()}";

        (await backend.SendAsync(HttpMethod.Get, named, json: null, ("token", lesser.Key!))).MustBeError(403);
        (await backend.GetAsync(named)).MustBe(200);
    }

    [Fact]
    public async Task Tokens_do_not_get_the_scope_by_default()
    {
        var token = server.Issuer.Token(Guid.NewGuid(), ("scope", "secrets:read users:act"));
        using var bearer = server.WithToken(token);

        Assert.Equal("""["secrets:read"]""", (await bearer.GetAsync("/api/v1/me")).MustBe(200).Json["scopes"]!.ToJsonString());
        (await bearer.GetAsync($"{Answers.Secrets}?user_id={Guid.NewGuid()}")).MustBeError(403);
    }

    [Fact]
    public async Task Writes_for_different_users_by_one_backend_run_concurrently()
    {
        using var backend = await server.NewUserAsync(Backend);
        var busy = Guid.NewGuid();
        (await backend.SendAsync(HttpMethod.Post, $"{Answers.Secrets}?user_id={busy}", Body("first"))).MustBe(200);
        Task<Answer> waiting;
        await using (await server.HoldAsync("UPDATE owners SET stamp = stamp WHERE id = @id", ("id", busy.ToString())))
        {
            var id = (await backend.GetAsync($"{Answers.Secrets}?user_id={busy}")).MustBeList()[0].Id();
            waiting = backend.PatchAsync($"{Answers.One(id)}?user_id={busy}", new JsonObject { ["secret_name"] = "later" });
            (await backend.SendAsync(HttpMethod.Post, $"{Answers.Secrets}?user_id={Guid.NewGuid()}", Body("n"))).MustBe(200);
            (await backend.SendAsync(HttpMethod.Post, Answers.Secrets, Body("n"))).MustBe(200);
            Assert.False(waiting.IsCompleted);
        }

        (await waiting).MustBe(200);
    }

    private static string Body(string name) => new JsonObject { ["secret_name"] = name, ["secret_value"] = "a value of a secret" }.ToJsonString();

    private static IEnumerable<string?> Names(Answer answer) => answer.MustBeList().Select(secret => secret.Text("secret_name"));

    /// <summary>The audit rows that a client sees, without the creation of its key.</summary>
    private static async Task<IReadOnlyList<JsonNode>> RowsAsync(ApiClient client) =>
        [.. (await client.GetAsync("/api/v1/audit?limit=1000")).MustBe(200).Json["data"]!.AsArray()
            .Select(row => row!).Where(row => !row.Text("action")!.StartsWith("key.", StringComparison.Ordinal))];

    private static string? OwnerOf(JsonNode row) => row["owner"]?.Text("id");

    private static async Task<Guid> KeyIdAsync(ApiClient client) => (await client.GetAsync("/api/v1/me")).MustBe(200).Json["credential"]!["id"]!.GetValue<Guid>();
}
