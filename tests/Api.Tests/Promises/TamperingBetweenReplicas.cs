using System.Text.Json.Nodes;
using Secrets.TestKit;

namespace Secrets.Api.Tests.Promises;

/// <summary>
/// Promises 4 and 9: one replica caches an owner, another updates a value, and an attacker sets the owner's row back.
/// The old row must not confirm the stale cache entry.
/// </summary>
public sealed class TamperingBetweenReplicas(Replicas replicas) : IClassFixture<Replicas>
{
    private const string Secrets = "/api/v1/secrets";

    [Fact]
    public async Task A_set_back_row_does_not_confirm_a_cached_value()
    {
        var (tool, organization) = ($"t{Guid.NewGuid():N}", "default");
        var id = await CreateAsync(replicas[0], tool, organization);
        Assert.Equal("the old value", await ValueAsync(replicas[1], tool, organization));
        Assert.Equal("the old value", await ValueAsync(replicas[1], tool, organization));
        await replicas.AttackAsync($"DROP TABLE IF EXISTS saved_owner; SELECT * INTO saved_owner FROM owners WHERE id = '{organization}'");
        (await replicas[0].PatchAsync($"{Secrets}/{id}", new JsonObject { ["secret_value"] = "the new value" })).MustBe(200);

        await replicas.AttackAsync(
            $"UPDATE owners SET stamp = s.stamp, version = s.version, secrets = s.secrets, bytes_used = s.bytes_used, account = s.account FROM saved_owner s WHERE owners.id = '{organization}'");

        for (var replica = 0; replica < Replicas.Count; replica++)
        {
            (await ResolveAsync(replicas[replica], tool, organization)).MustNotRepeat("the old value").MustBe(409);
            (await replicas[replica].PatchAsync($"{Secrets}/{id}", new JsonObject { ["secret_value"] = "another value" })).MustBe(409);
            (await TryCreateAsync(replicas[replica], $"x{tool}", organization)).MustBe(409);
        }

        Assert.Contains("is not the latest one in the audit", replicas.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_replica_never_resolves_a_value_that_it_replaced()
    {
        var (tool, organization) = ($"t{Guid.NewGuid():N}", $"org-{Guid.NewGuid():N}");
        var made = (await replicas[0].PostAsync("/api/v1/api-keys", new JsonObject
        {
            ["name"] = "admin",
            ["user_id"] = Guid.NewGuid().ToString(),
            ["scopes"] = new JsonArray("secrets:read", "secrets:write", "secrets:resolve"),
            ["organization_id"] = organization,
            ["role"] = "admin",
        })).MustBe(200).Json;
        using var admin = new ApiClient(new HttpClient { BaseAddress = replicas[0].Http.BaseAddress, DefaultRequestHeaders = { { "x-api-key", made["key"]!.GetValue<string>() } } });
        var id = await CreateAsync(admin, tool, organization);
        Assert.Equal("the old value", await ValueAsync(admin, tool, organization));
        await replicas.AttackAsync($"DROP TABLE IF EXISTS saved_before; SELECT * INTO saved_before FROM owners WHERE id = '{organization}'");
        (await admin.PatchAsync($"{Secrets}/{id}", new JsonObject { ["secret_value"] = "the new value" })).MustBe(200);

        // Also hides the audit row with the version.
        await replicas.AttackAsync(
            $"UPDATE audit SET owner_version = NULL WHERE owner_id = '{organization}' AND owner_version > (SELECT version FROM saved_before); "
            + $"UPDATE owners SET stamp = s.stamp, version = s.version FROM saved_before s WHERE owners.id = '{organization}'");

        (await ResolveAsync(admin, tool, organization)).MustNotRepeat("the old value").MustBe(409);
    }

    [Fact]
    public async Task Set_back_rows_do_not_confirm_a_revoked_key()
    {
        var made = (await replicas[0].PostAsync("/api/v1/api-keys", new JsonObject
        {
            ["name"] = "runtime",
            ["user_id"] = Guid.NewGuid().ToString(),
            ["scopes"] = new JsonArray("secrets:resolve"),
        })).MustBe(200).Json;
        var (id, user) = (made["id"]!.GetValue<string>(), made["user_id"]!.GetValue<string>());
        using var runtime = new ApiClient(new HttpClient { BaseAddress = replicas[1].Http.BaseAddress, DefaultRequestHeaders = { { "x-api-key", made["key"]!.GetValue<string>() } } });
        for (var turn = 0; turn < 2; turn++)
        {
            (await runtime.AskAsync($"{Secrets}/resolve", """{"tool_name":"t"}""")).MustBe(200);
        }

        await replicas.AttackAsync($"DROP TABLE IF EXISTS saved_key; SELECT * INTO saved_key FROM api_keys WHERE id = '{id}'; DROP TABLE IF EXISTS saved_keys; SELECT * INTO saved_keys FROM key_accounts WHERE user_id = '{user}'");
        (await replicas[0].DeleteAsync($"/api/v1/api-keys/{id}")).MustBe(200);

        await replicas.AttackAsync(
            $"UPDATE api_keys SET revoked_at = NULL WHERE id = '{id}'; UPDATE key_accounts SET version = s.version, keys = s.keys, account = s.account FROM saved_keys s WHERE key_accounts.user_id = '{user}'");

        (await runtime.AskAsync($"{Secrets}/resolve", """{"tool_name":"t"}""")).MustBe(401);
        (await runtime.GetAsync(Secrets)).MustBe(401);
    }

    private static async Task<string> CreateAsync(ApiClient client, string tool, string organization) =>
        (await TryCreateAsync(client, tool, organization)).MustBe(200).Json["secret_id"]!.GetValue<string>();

    private static Task<Answer> TryCreateAsync(ApiClient client, string tool, string organization) => client.PostAsync($"{Secrets}?organization_id={organization}", new JsonObject
    {
        ["secret_name"] = tool,
        ["secret_value"] = "the old value",
        ["tool_name"] = tool,
        ["tool_arg"] = "a",
        ["is_default_for_tool"] = true,
    });

    private static Task<Answer> ResolveAsync(ApiClient client, string tool, string organization) =>
        client.AskAsync($"{Secrets}/resolve", new JsonObject { ["tool_name"] = tool, ["organization_id"] = organization });

    private static async Task<string> ValueAsync(ApiClient client, string tool, string organization) =>
        (await ResolveAsync(client, tool, organization)).MustBe(200).Json["values"]![0]!["secret_value"]!.GetValue<string>();
}
