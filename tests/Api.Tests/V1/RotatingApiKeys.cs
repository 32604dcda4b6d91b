using System.Text.Json.Nodes;
using Secrets.TestKit;

namespace Secrets.Api.Tests.V1;

public sealed class RotatingApiKeys(ApiServer server)
{
    private const string Path = "/api/v1/api-keys";

    [Fact]
    public async Task The_old_key_works_until_the_grace_period_ends()
    {
        using var manager = await server.NewUserAsync("secrets:read", "keys:manage");
        var old = await MakeAsync(manager, "old");
        using var before = server.WithKey(Text(old, "key"));

        var made = (await manager.PostAsync(Rotate(old), new JsonObject { ["grace_seconds"] = 2 })).MustBe(200).Json;

        Assert.Equal(
            ["id", "name", "prefix", "scopes", "user_id", "organization_id", "role", "workspaces", "expires_at", "created_at", "created_by_key", "last_used_at", "replaces", "key"],
            made.AsObject().Select(member => member.Key));
        Assert.Equal(Text(old, "id"), Text(made, "replaces"));
        foreach (var same in (string[])["name", "scopes", "user_id", "organization_id", "role", "workspaces", "expires_at"])
        {
            Assert.Equal(old[same]?.ToJsonString(), made[same]?.ToJsonString());
        }

        using var after = server.WithKey(Text(made, "key"));
        (await after.GetAsync("/api/v1/secrets")).MustBe(200);
        (await before.GetAsync("/api/v1/secrets")).MustBe(200);
        await Task.Delay(TimeSpan.FromSeconds(2.1), TestContext.Current.CancellationToken);
        (await before.GetAsync("/api/v1/secrets")).MustBe(401);
        (await after.GetAsync("/api/v1/secrets")).MustBe(200);
    }

    [Fact]
    public async Task The_default_grace_is_one_day_and_the_list_names_the_successor()
    {
        using var manager = await server.NewUserAsync("secrets:read", "keys:manage");
        var old = await MakeAsync(manager, "old");

        var made = (await manager.SendAsync(HttpMethod.Post, Rotate(old))).MustBe(200).Json;

        var listed = (await manager.GetAsync(Path)).MustBe(200).Json["data"]!.AsArray();
        var (replaced, successor) = (One(listed, old), One(listed, made));
        Assert.Equal(Text(made, "id"), Text(replaced, "replaced_by"));
        Assert.InRange(replaced["expires_at"]!.GetValue<DateTimeOffset>() - DateTimeOffset.UtcNow, TimeSpan.FromHours(23.9), TimeSpan.FromHours(24));
        Assert.False(successor.AsObject().ContainsKey("replaced_by"));
        Assert.Null(successor["expires_at"]);
        Assert.DoesNotContain(Text(made, "key"), listed.ToJsonString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_key_rotates_itself_and_without_grace_ends_immediately()
    {
        using var user = await server.NewUserAsync("secrets:read", "keys:manage");
        var self = Assert.Single((await user.GetAsync(Path)).MustBe(200).Json["data"]!.AsArray())!;

        var made = (await user.PostAsync(Rotate(self), new JsonObject { ["grace_seconds"] = 0 })).MustBe(200).Json;

        (await user.GetAsync("/api/v1/secrets")).MustBe(401);
        using var next = server.WithKey(Text(made, "key"));
        (await next.GetAsync("/api/v1/secrets")).MustBe(200);
    }

    [Fact]
    public async Task Neither_key_outlives_the_old_expiry_unless_requested()
    {
        using var manager = await server.NewUserAsync("secrets:read", "keys:manage");
        var end = DateTimeOffset.UtcNow.AddHours(1);
        var old = await MakeAsync(manager, "an hour", end);

        var made = (await manager.PostAsync(Rotate(old), new JsonObject { ["grace_seconds"] = 7200 })).MustBe(200).Json;

        var listed = (await manager.GetAsync(Path)).MustBe(200).Json["data"]!.AsArray();
        Assert.Equal(Text(old, "expires_at"), Text(One(listed, old), "expires_at"));
        Assert.Equal(Text(old, "expires_at"), Text(made, "expires_at"));
        var chosen = DateTimeOffset.UtcNow.AddDays(3).ToString("yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'", null);
        var other = (await manager.PostAsync(Rotate(made), new JsonObject { ["expires_at"] = chosen })).MustBe(200).Json;
        Assert.Equal(chosen, Text(other, "expires_at"));
    }

    [Fact]
    public async Task A_key_is_rotated_once_and_only_before_it_expires()
    {
        using var manager = await server.NewUserAsync("secrets:read", "keys:manage");
        var old = await MakeAsync(manager, "old");
        var expired = await MakeAsync(manager, "expired", DateTimeOffset.UtcNow.AddSeconds(1));
        var revoked = await MakeAsync(manager, "revoked");
        await Task.Delay(TimeSpan.FromSeconds(1.1), TestContext.Current.CancellationToken);
        (await manager.DeleteAsync($"{Path}/{Text(revoked, "id")}")).MustBe(200);

        var made = (await manager.PostAsync(Rotate(old), new JsonObject())).MustBe(200).Json;

        Assert.Contains(Text(made, "id"), (await manager.PostAsync(Rotate(old), new JsonObject())).MustBeError(409).Body, StringComparison.Ordinal);
        (await manager.PostAsync(Rotate(expired), new JsonObject())).MustBeError(409);
        (await manager.PostAsync(Rotate(revoked), new JsonObject())).MustBeError(404);
        (await manager.PostAsync(Rotate(made), new JsonObject())).MustBe(200);
    }

    [Fact]
    public async Task One_of_many_concurrent_rotations_succeeds()
    {
        using var manager = await server.NewUserAsync("secrets:read", "keys:manage");
        var old = await MakeAsync(manager, "old");

        var answers = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => manager.PostAsync(Rotate(old), new JsonObject())));

        var made = Assert.Single(answers, answer => answer.Status == 200);
        Assert.All(answers.Where(answer => answer != made), answer => answer.MustBeError(409));
        var listed = (await manager.GetAsync(Path)).MustBe(200).Json["data"]!.AsArray();
        Assert.Equal(3, listed.Count);
        Assert.Equal(Text(made.Json, "id"), Text(One(listed, old), "replaced_by"));
    }

    [Fact]
    public async Task Rotation_gives_no_key_that_the_caller_could_not_create()
    {
        var organization = $"org-{Guid.NewGuid():N}";
        using var member = await server.NewKeyAsync(Guid.NewGuid(), ["secrets:read", "keys:manage"], organization);
        using var plain = await server.NewKeyAsync(member.UserId, ["secrets:read", "keys:manage"]);
        using var strong = await server.NewKeyAsync(member.UserId, ["secrets:resolve"]);
        using var admin = await server.NewKeyAsync(Guid.NewGuid(), ["secrets:read", "keys:manage"], organization, "admin");
        using var stranger = await server.NewUserAsync("secrets:read", "keys:manage");
        using var @operator = server.Operator();
        var keys = (await plain.GetAsync(Path)).MustBe(200).Json["data"]!.AsArray();
        var (ofMember, ofStrong) = (KeyOf(keys, member), KeyOf(keys, strong));

        // An admin may revoke a member's key but not rotate it. Rotating also needs the admin role for an organisation key, and all scopes of the key.
        (await admin.PostAsync(Rotate(ofMember), new JsonObject())).MustBeError(403);
        (await plain.PostAsync(Rotate(ofMember), new JsonObject())).MustBeError(403);
        (await plain.PostAsync(Rotate(ofStrong), new JsonObject())).MustBeError(403);
        (await stranger.PostAsync(Rotate(ofMember), new JsonObject())).MustBeError(404);
        (await strong.PostAsync(Rotate(ofStrong), new JsonObject())).MustBeError(403);
        (await @operator.PostAsync($"{Path}/{Guid.NewGuid()}/rotate", new JsonObject())).MustBeError(404);
        Assert.DoesNotContain("replaced_by", (await plain.GetAsync(Path)).Body, StringComparison.Ordinal);
        var made = (await @operator.PostAsync(Rotate(ofMember), new JsonObject())).MustBe(200).Json;
        Assert.Equal(member.UserId, made["user_id"]!.GetValue<Guid>());
        Assert.Equal(organization, Text(made, "organization_id"));
    }

    [Fact]
    public async Task The_audit_names_both_keys_and_refusals()
    {
        using var manager = await server.NewUserAsync("secrets:read", "keys:manage", "audit:read");
        var old = await MakeAsync(manager, "old");
        var unknown = Guid.NewGuid();

        var made = (await manager.PostAsync(Rotate(old), new JsonObject())).MustBe(200).Json;
        (await manager.PostAsync(Rotate(old), new JsonObject())).MustBe(409);
        (await manager.PostAsync($"{Path}/{unknown}/rotate", new JsonObject())).MustBe(404);

        var rows = (await manager.GetAsync($"/api/v1/audit?actor={manager.UserId}")).MustBe(200).Json["data"]!.AsArray();
        Assert.Equal(
            [
                $"denied key.rotate {unknown}", $"success key.create {Text(made, "id")}", $"success key.rotate {Text(old, "id")}",
                $"success key.create {Text(old, "id")}",
            ],
            rows.Select(row => $"{row!["outcome"]} {row["action"]} {row["target_key_id"]}"));
    }

    [Theory]
    [InlineData("""{"grace_seconds":-1}""", "grace_seconds", "value_error")]
    [InlineData("""{"grace_seconds":604801}""", "grace_seconds", "value_error")]
    [InlineData("""{"grace_seconds":"60"}""", "grace_seconds", "int_parsing")]
    [InlineData("""{"grace_seconds":1.5}""", "grace_seconds", "int_parsing")]
    [InlineData("""{"grace_seconds":3000000000}""", "grace_seconds", "int_parsing")]
    [InlineData("""{"grace_seconds":true}""", "grace_seconds", "int_parsing")]
    [InlineData("""{"expires_at":"2020-01-01T00:00:00Z"}""", "expires_at", "value_error")]
    [InlineData("""{"expires_at":5}""", "expires_at", "datetime_parsing")]
    public async Task Faults_are_named(string body, string place, string type)
    {
        using var manager = await server.NewUserAsync("secrets:read", "keys:manage");
        var old = await MakeAsync(manager, "old");

        (await manager.SendAsync(HttpMethod.Post, Rotate(old), body)).MustBeInvalid($"body.{place}: {type}");

        (await manager.SendAsync(HttpMethod.Post, $"{Path}/no-uuid/rotate", "{}")).MustBeInvalid("path.id: uuid_parsing");
        (await manager.SendAsync(HttpMethod.Post, Rotate(old), """{"grace_seconds":604800,"expires_at":null}""")).MustBe(200);
    }

    private static string Text(JsonNode node, string member) => node[member]!.GetValue<string>();

    private static string Rotate(JsonNode key) => $"{Path}/{Text(key, "id")}/rotate";

    private static JsonNode One(JsonArray keys, JsonNode key) => keys.Single(row => Text(row!, "id") == Text(key, "id"))!;

    private static JsonNode KeyOf(JsonArray keys, ApiClient client) =>
        keys.Single(row => client.Key!.StartsWith(Text(row!, "prefix"), StringComparison.Ordinal))!;

    private static async Task<JsonNode> MakeAsync(ApiClient manager, string name, DateTimeOffset? end = null) =>
        (await manager.PostAsync(
            Path, new JsonObject { ["name"] = name, ["scopes"] = new JsonArray("secrets:read"), ["expires_at"] = end?.ToString("O") })).MustBe(200).Json;
}
