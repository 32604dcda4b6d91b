using System.Text.Json.Nodes;
using Secrets.TestKit;

namespace Secrets.Api.Tests.V1;

public sealed class ManagingApiKeys(ApiServer server)
{
    private const string Path = "/api/v1/api-keys";

    [Fact]
    public async Task A_key_is_shown_once_and_works_immediately()
    {
        using var manager = await server.NewUserAsync("secrets:read", "keys:manage");

        var made = (await manager.PostAsync(Path, Body("mine", "secrets:read"))).MustBe(200);
        var key = made.Json["key"]!.GetValue<string>();
        var listed = (await manager.GetAsync(Path)).MustBe(200);

        Assert.Equal(
            ["id", "name", "prefix", "scopes", "user_id", "organization_id", "role", "workspaces", "expires_at", "created_at", "created_by_key", "last_used_at", "key"],
            made.Json.AsObject().Select(member => member.Key));
        Assert.StartsWith(made.Json["prefix"]!.GetValue<string>(), key, StringComparison.Ordinal);
        Assert.Equal(manager.UserId, made.Json["user_id"]!.GetValue<Guid>());
        Assert.DoesNotContain(key, listed.Body, StringComparison.Ordinal);
        Assert.Contains(listed.Json["data"]!.AsArray(), row => row!["id"]!.GetValue<string>() == made.Json["id"]!.GetValue<string>());
        using var client = server.WithKey(key);
        (await client.GetAsync("/api/v1/secrets")).MustBe(200);
    }

    [Fact]
    public async Task A_revoked_key_stops_immediately_and_is_not_listed()
    {
        using var manager = await server.NewUserAsync("secrets:read", "keys:manage");
        var made = (await manager.PostAsync(Path, Body("short-lived", "secrets:read"))).MustBe(200);
        using var client = server.WithKey(made.Json["key"]!.GetValue<string>());
        (await client.GetAsync("/api/v1/secrets")).MustBe(200);

        Assert.Equal("{}", (await manager.DeleteAsync($"{Path}/{made.Json["id"]}")).MustBe(200).Body);

        var refused = (await client.GetAsync("/api/v1/secrets")).MustBe(401);
        Assert.Equal("""{"detail":"Not authenticated"}""", refused.Body);
        Assert.Equal("Bearer error=\"invalid_token\"", refused.Headers.WwwAuthenticate.ToString());
        (await manager.DeleteAsync($"{Path}/{made.Json["id"]}")).MustBe(404);
    }

    [Fact]
    public async Task An_expired_key_is_refused()
    {
        using var manager = await server.NewUserAsync("secrets:read", "keys:manage");
        var body = Body("brief", "secrets:read");
        body["expires_at"] = DateTimeOffset.UtcNow.AddSeconds(1.5).ToString("O");
        var made = (await manager.PostAsync(Path, body)).MustBe(200);
        using var client = server.WithKey(made.Json["key"]!.GetValue<string>());
        (await client.GetAsync("/api/v1/secrets")).MustBe(200);

        await Task.Delay(TimeSpan.FromSeconds(2));

        (await client.GetAsync("/api/v1/secrets")).MustBe(401);
    }

    [Fact]
    public async Task Only_the_hash_of_a_key_is_stored()
    {
        using var manager = await server.NewUserAsync("secrets:read", "keys:manage");
        var key = (await manager.PostAsync(Path, Body("hashed", "secrets:read"))).MustBe(200).Json["key"]!.GetValue<string>();
        await server.CheckpointAsync();
        Assert.Empty(FileHunt.FilesHolding(server.DataDirectory, key));
        Assert.DoesNotContain(server.Log.Lines, line => line.Contains(key, StringComparison.Ordinal));
    }

    [Fact]
    public async Task The_last_use_is_recorded()
    {
        using var manager = await server.NewUserAsync("secrets:read", "keys:manage");
        var made = (await manager.PostAsync(Path, Body("used", "secrets:read"))).MustBe(200);
        Assert.Null(made.Json["last_used_at"]);
        using var client = server.WithKey(made.Json["key"]!.GetValue<string>());
        (await client.GetAsync("/api/v1/secrets")).MustBe(200);

        var row = (await manager.GetAsync(Path)).MustBe(200).Json["data"]!.AsArray()
            .Single(row => row!["id"]!.GetValue<string>() == made.Json["id"]!.GetValue<string>())!;
        Assert.InRange(row["last_used_at"]!.GetValue<DateTimeOffset>(), DateTimeOffset.UtcNow.AddMinutes(-1), DateTimeOffset.UtcNow.AddMinutes(1));
    }

    [Fact]
    public async Task A_key_has_no_scope_that_its_creator_lacks()
    {
        using var manager = await server.NewUserAsync("secrets:read", "keys:manage");
        (await manager.PostAsync(Path, Body("too much", "secrets:read", "secrets:resolve"))).MustBe(403);
        (await manager.PostAsync(Path, Body("too much", "operator"))).MustBe(403);
    }

    [Fact]
    public async Task Only_an_operator_makes_keys_for_others()
    {
        using var manager = await server.NewUserAsync("secrets:read", "keys:manage");
        var forOther = Body("other", "secrets:read");
        forOther["user_id"] = Guid.NewGuid().ToString();
        var forOrganization = Body("organisation", "secrets:read");
        forOrganization["organization_id"] = "acme";
        forOrganization["role"] = "admin";

        (await manager.PostAsync(Path, forOther.DeepClone())).MustBe(403);
        (await manager.PostAsync(Path, forOrganization.DeepClone())).MustBe(403);
        using var @operator = server.Operator();
        (await @operator.PostAsync(Path, forOther)).MustBe(200);
        var made = (await @operator.PostAsync(Path, forOrganization)).MustBe(200);
        Assert.Equal("admin", made.Json["role"]!.GetValue<string>());
        Assert.Equal("acme", made.Json["organization_id"]!.GetValue<string>());
    }

    [Fact]
    public async Task An_organisation_admin_manages_keys_of_that_organisation_only()
    {
        var organization = $"org-{Guid.NewGuid():N}";
        using var @operator = server.Operator();
        var body = Body("admin", "secrets:read", "keys:manage");
        body["user_id"] = Guid.NewGuid().ToString();
        body["organization_id"] = organization;
        body["role"] = "admin";
        using var admin = server.WithKey((await @operator.PostAsync(Path, body)).MustBe(200).Json["key"]!.GetValue<string>());
        var member = Body("member", "secrets:read");
        member["organization_id"] = organization;
        member["workspaces"] = new JsonArray("support", "support", "sales");

        var made = (await admin.PostAsync(Path, member.DeepClone())).MustBe(200);
        Assert.Equal("member", made.Json["role"]!.GetValue<string>());
        Assert.Equal(["support", "sales"], made.Json["workspaces"]!.AsArray().Select(workspace => workspace!.GetValue<string>()));
        member["organization_id"] = "somebody-elses";
        (await admin.PostAsync(Path, member)).MustBe(403);
        Assert.Equal(2, (await admin.GetAsync(Path)).MustBe(200).Json["data"]!.AsArray().Count);
        (await admin.DeleteAsync($"{Path}/{made.Json["id"]}")).MustBe(200);
    }

    [Theory]
    [InlineData("org ")]
    [InlineData(" org")]
    [InlineData("a\nb")]
    [InlineData("a\tb")]
    [InlineData("org\u00A0")]
    [InlineData("a\u007Fb")]
    [InlineData("a\u0085b")]
    public async Task An_organisation_that_no_header_can_carry_is_refused(string organization)
    {
        using var @operator = server.Operator();
        var body = Body("n", "secrets:read");
        body["organization_id"] = organization;

        (await @operator.PostAsync(Path, body)).MustBeInvalid("body.organization_id: value_error").MustNotRepeat(organization);
    }

    [Fact]
    public async Task A_runtime_key_of_an_organisation_cannot_create_an_unrestricted_one()
    {
        var (organization, user) = ($"org-{Guid.NewGuid():N}", Guid.NewGuid());
        string[] scopes = ["secrets:read", "secrets:resolve", "keys:manage"];
        using var bound = await server.NewKeyAsync(user, scopes, organization, "admin");
        var own = Body("runtime", "secrets:resolve");
        own["organization_id"] = organization;

        (await bound.PostAsync(Path, Body("runtime", "secrets:resolve"))).MustBeError(403);
        (await bound.PostAsync(Path, Body("reader", "secrets:read"))).MustBe(200);
        (await bound.PostAsync(Path, own)).MustBe(200);

        // Rotating an unrestricted key of the same user is refused too.
        using var @operator = server.Operator();
        var free = Body("free", "secrets:resolve");
        free["user_id"] = user.ToString();
        var made = (await @operator.PostAsync(Path, free)).MustBe(200);
        (await bound.SendAsync(HttpMethod.Post, $"{Path}/{made.Json["id"]}/rotate")).MustBeError(403);
    }

    [Fact]
    public async Task Another_users_key_does_not_exist()
    {
        using var one = await server.NewUserAsync("secrets:read", "keys:manage");
        using var other = await server.NewUserAsync("secrets:read", "keys:manage");
        var made = (await one.PostAsync(Path, Body("mine", "secrets:read"))).MustBe(200);
        (await other.DeleteAsync($"{Path}/{made.Json["id"]}")).MustBe(404);
        Assert.DoesNotContain(made.Json["id"]!.GetValue<string>(), (await other.GetAsync(Path)).Body, StringComparison.Ordinal);
        Assert.Single((await other.GetAsync(Path)).Json["data"]!.AsArray());
    }

    [Fact]
    public async Task Keys_are_listed_in_pages()
    {
        using var manager = await server.NewUserAsync("secrets:read", "keys:manage");
        foreach (var number in Enumerable.Range(1, 6))
        {
            (await manager.PostAsync(Path, Body($"key {number}", "secrets:read"))).MustBe(200);
        }

        var seen = new List<string>();
        string? cursor = null;
        do
        {
            var page = (await manager.GetAsync($"{Path}?limit=3{(cursor is null ? "" : $"&cursor={cursor}")}")).MustBe(200).Json;
            seen.AddRange(page["data"]!.AsArray().Select(row => row!["name"]!.GetValue<string>()));
            cursor = page["next_cursor"]?.GetValue<string>();
        }
        while (cursor is not null);

        Assert.Equal(["test", "key 1", "key 2", "key 3", "key 4", "key 5", "key 6"], seen);
    }

    [Theory]
    [InlineData("""{"scopes":["secrets:read"]}""", "name", "missing")]
    [InlineData("""{"name":"k"}""", "scopes", "missing")]
    [InlineData("""{"name":"","scopes":["secrets:read"]}""", "name", "string_too_short")]
    [InlineData("""{"name":"k","scopes":[]}""", "scopes", "value_error")]
    [InlineData("""{"name":"k","scopes":"secrets:read"}""", "scopes", "list_type")]
    [InlineData("""{"name":"k","scopes":["secrets:read","all"]}""", "scopes,1", "value_error")]
    [InlineData("""{"name":"k","scopes":["secrets:read",7]}""", "scopes,1", "string_type")]
    [InlineData("""{"name":"k","scopes":["secrets:read"],"user_id":"me"}""", "user_id", "uuid_parsing")]
    [InlineData("""{"name":"k","scopes":["secrets:read"],"expires_at":"tomorrow"}""", "expires_at", "datetime_parsing")]
    [InlineData("""{"name":"k","scopes":["secrets:read"],"expires_at":"2040-01-01T00:00:00"}""", "expires_at", "datetime_parsing")]
    [InlineData("""{"name":"k","scopes":["secrets:read"],"expires_at":"2020-01-01T00:00:00Z"}""", "expires_at", "value_error")]
    [InlineData("""{"name":"k","scopes":["secrets:read"],"organization_id":"o","role":"king"}""", "role", "value_error")]
    [InlineData("""{"name":"k","scopes":["secrets:read"],"role":"admin"}""", "organization_id", "value_error")]
    [InlineData("""{"name":"k","scopes":["secrets:resolve"],"organization_id":"acme","role":"admin","workspaces":["support"]}""", "workspaces", "value_error")]
    public async Task Faults_are_named(string body, string place, string type)
    {
        using var @operator = server.Operator();
        var answer = (await @operator.SendAsync(HttpMethod.Post, Path, body)).MustBe(422);
        var error = Assert.Single(answer.Json["detail"]!.AsArray())!;
        Assert.Equal($"body,{place}", string.Join(',', error["loc"]!.AsArray()));
        Assert.Equal(type, error["type"]!.GetValue<string>());
    }

    [Theory]
    [InlineData("scopes", "")]
    [InlineData("scopes", "secrets:read")]
    [InlineData("workspaces", "")]
    [InlineData("workspaces", "one after another")]
    public async Task A_long_invalid_list_gets_one_error(string member, string entry)
    {
        using var @operator = server.Operator();
        var body = Body("k", "secrets:read");
        body["organization_id"] = "o";
        body[member] = new JsonArray([.. Enumerable.Range(0, 40_000).Select(at => (JsonNode)(entry is "one after another" ? $"{at}" : entry))]);

        var answer = (await @operator.PostAsync(Path, body)).MustBe(422);

        Assert.Single(answer.Json["detail"]!.AsArray());
    }

    [Fact]
    public async Task Managing_keys_needs_its_scope()
    {
        using var user = await server.NewUserAsync();
        (await user.PostAsync(Path, Body("k", "secrets:read"))).MustBe(403);
        (await user.GetAsync(Path)).MustBe(403);
        (await user.DeleteAsync($"{Path}/{Guid.NewGuid()}")).MustBe(403);
    }

    private static JsonObject Body(string name, params string[] scopes) => new()
    {
        ["name"] = name,
        ["scopes"] = new JsonArray([.. scopes.Select(scope => (JsonNode)scope)]),
    };
}
