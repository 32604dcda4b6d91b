using System.Text;
using System.Text.Json.Nodes;
using Secrets.TestKit;

namespace Secrets.Api.Tests.AiHub;

public sealed class ManagingAliases(ApiServer server)
{
    [Theory]
    [InlineData("""{"alias": "key"}""")]
    [InlineData("""{"alias": "key", "value": null, "description": null, "allowed_workspaces": null}""")]
    public async Task An_empty_change_writes_nothing(string body)
    {
        var organization = Vault.NewOrganization();
        using var admin = await server.NewAdminAsync(organization);
        await admin.StoreAliasAsync("key");
        var before = await StateAsync();

        (await admin.SendAsync(HttpMethod.Patch, Vault.Path, body)).MustBeDone();

        Assert.Equal(before, await StateAsync());

        async Task<(long Stamp, long Rows)> StateAsync() => (
            await server.ScalarAsync<long>("SELECT stamp FROM owners WHERE id = @id", ("id", organization)),
            await server.ScalarAsync<long>("SELECT CAST(count(*) AS bigint) FROM audit WHERE owner_id = @id", ("id", organization)));
    }

    [Fact]
    public async Task A_secret_is_created_changed_and_deleted()
    {
        var organization = Vault.NewOrganization();
        using var admin = await server.NewAdminAsync(organization);
        using var second = await server.NewAdminAsync(organization);

        (await admin.PostAsync(Vault.Path, new JsonObject
        {
            ["alias"] = "linear-key",
            ["value"] = "lin_api_0123456789",
            ["description"] = "for the support bots",
            ["allowed_workspaces_type"] = "SOME",
            ["allowed_workspaces"] = new JsonArray("support", "sales", "support"),
        })).MustBeDone().MustNotRepeat("lin_api_0123456789");
        var made = await admin.AliasAsync("linear-key");
        (await second.PatchAsync(Vault.Path, new JsonObject { ["alias"] = "linear-key", ["description"] = "for all" })).MustBeDone();
        var changed = await admin.AliasAsync("linear-key");
        (await second.DeleteAliasAsync("linear-key")).MustBeDone();

        Assert.Equal("for the support bots", made["description"]!.GetValue<string>());
        Assert.Equal("SOME", made["allowed_workspaces_type"]!.GetValue<string>());
        Assert.Equal("""["support","sales"]""", made["allowed_workspaces"]!.ToJsonString());
        Assert.Equal(organization, made["org"]!.GetValue<string>());
        Assert.Equal((admin.UserId, admin.UserId), AuthorsOf(made));
        Assert.Equal(made["created_at"]!.GetValue<long>(), made["updated_at"]!.GetValue<long>());
        Assert.Equal("for all", changed["description"]!.GetValue<string>());
        Assert.Equal("""["support","sales"]""", changed["allowed_workspaces"]!.ToJsonString());
        Assert.Equal((admin.UserId, second.UserId), AuthorsOf(changed));
        Assert.True(changed["updated_at"]!.GetValue<long>() >= made["updated_at"]!.GetValue<long>());
        Assert.Equal(made["created_at"]!.GetValue<long>(), changed["created_at"]!.GetValue<long>());
        Assert.Empty((await admin.GetAsync(Vault.Path)).MustBeAliases());
        (await admin.DeleteAliasAsync("linear-key")).MustBeRefused(404);
        (await admin.PatchAsync(Vault.Path, new JsonObject { ["alias"] = "linear-key" })).MustBeRefused(404);
    }

    [Fact]
    public async Task The_masked_display_is_refused_as_a_new_value()
    {
        var organization = Vault.NewOrganization();
        using var admin = await server.NewAdminAsync(organization);
        await admin.StoreAliasAsync("key", "lin_api_4f9c2f0d6b7e4a51");
        var display = (await admin.GetAsync($"/api/v1/secrets?organization_id={organization}")).MustBe(200).Json["data"]![0]!["display"]!.GetValue<string>();
        var before = await admin.AliasAsync("key");

        (await admin.PatchAsync(Vault.Path, new JsonObject { ["alias"] = "key", ["value"] = display, ["description"] = "d" }))
            .MustBeRefused(400, "value: ").MustNotRepeat(display);

        Assert.True(JsonNode.DeepEquals(before, await admin.AliasAsync("key")));
    }

    [Fact]
    public async Task The_context_is_read_as_UTF_8()
    {
        var organization = $"{Vault.NewOrganization()} é🔑";
        using var admin = await server.NewAdminAsync(organization);
        await admin.StoreAliasAsync("key");

        Assert.Equal(200, await StatusAsync(Encoding.UTF8.GetBytes(organization)));
        Assert.Equal(401, await StatusAsync(Encoding.UTF8.GetBytes(organization.ToUpperInvariant())));
        Assert.Equal(400, await StatusAsync(Encoding.Latin1.GetBytes("é")));

        async Task<int> StatusAsync(byte[] context) => (await RawHttp.SendAsync(
            server.Address,
            Encoding.ASCII.GetBytes($"GET {Vault.Path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: Bearer {admin.Key}\r\nIB-Context: "),
            context,
            "\r\n\r\n"u8.ToArray())).Status;
    }

    [Fact]
    public async Task A_trailing_slash_is_optional()
    {
        using var admin = await server.NewAdminAsync(Vault.NewOrganization());
        (await admin.PostAsync(Vault.Path + "/", Vault.Body("a"))).MustBeDone();
        (await admin.PatchAsync(Vault.Path + "/", new JsonObject { ["alias"] = "a", ["description"] = "d" })).MustBeDone();
        Assert.Equal(["a"], (await admin.GetAsync(Vault.Path + "/")).Aliases());
        (await admin.SendAsync(HttpMethod.Delete, Vault.Path + "/", """{"alias":"a"}""")).MustBeDone();
    }

    [Fact]
    public async Task An_alias_is_unique_within_its_organisation_only()
    {
        using var admin = await server.NewAdminAsync(Vault.NewOrganization());
        using var other = await server.NewAdminAsync(Vault.NewOrganization());
        await admin.StoreAliasAsync("key");
        await other.StoreAliasAsync("key");

        (await admin.PostAsync(Vault.Path, Vault.Body("key", "another value"))).MustBeRefused(409).MustNotRepeat("another value");
        await admin.StoreAliasAsync("KEY");
        (await admin.DeleteAliasAsync("key")).MustBeDone();

        Assert.Equal(["KEY"], (await admin.GetAsync(Vault.Path)).Aliases());
        Assert.Equal(["key"], (await other.GetAsync(Vault.Path)).Aliases());
    }

    [Fact]
    public async Task One_of_fifty_concurrent_creates_of_an_alias_succeeds()
    {
        using var admin = await server.NewAdminAsync(Vault.NewOrganization());

        var answers = await Task.WhenAll(Enumerable.Range(0, 50).Select(number =>
            admin.PostAsync(Vault.Path, Vault.Body("key", $"value {number}", number % 2 == 0 ? "ALL" : "SOME", "support"))));

        Assert.Single(answers, answer => answer.Status == 200);
        Assert.All(answers.Where(answer => answer.Status != 200), answer => answer.MustBeRefused(409));
        Assert.Single((await admin.GetAsync(Vault.Path)).MustBeAliases());
    }

    [Fact]
    public async Task Concurrent_changes_never_mix_value_and_rule()
    {
        var organization = Vault.NewOrganization();
        using var admin = await server.NewAdminAsync(organization);
        using var runtime = await server.NewKeyAsync(Guid.NewGuid(), ["secrets:resolve"], organization);
        await admin.StoreAliasAsync("key");

        // Value n must appear with workspace n, whichever change is last.
        var answers = await Task.WhenAll(Enumerable.Range(0, 40).Select(number => admin.PatchAsync(Vault.Path, new JsonObject
        {
            ["alias"] = "key",
            ["value"] = $"value {number}",
            ["allowed_workspaces_type"] = "SOME",
            ["allowed_workspaces"] = new JsonArray([.. Enumerable.Range(number, 1 + (number % 3)).Select(one => (JsonNode)$"w{one}")]),
        })));

        Assert.All(answers, answer => answer.MustBeDone());
        var last = (await admin.AliasAsync("key"))["allowed_workspaces"]![0]!.GetValue<string>();
        var values = (await runtime.ResolveAliasAsync("key", organization, last)).MustBe(200).Json["values"]!.AsArray();
        Assert.Equal($"value {last[1..]}", Assert.Single(values)!["secret_value"]!.GetValue<string>());
        Assert.Equal(41, values[0]!["version"]!.GetValue<int>());
    }

    [Theory]
    [InlineData("""{"description":null,"value":null,"allowed_workspaces_type":null,"allowed_workspaces":null}""", "d", "SOME", "a,b")]
    [InlineData("{}", "d", "SOME", "a,b")]
    [InlineData("""{"unknown":5,"Description":"x"}""", "d", "SOME", "a,b")]
    [InlineData("""{"description":""}""", "", "SOME", "a,b")]
    [InlineData("""{"value":"x"}""", "d", "SOME", "a,b")]
    [InlineData("""{"allowed_workspaces":["c"]}""", "d", "SOME", "c")]
    [InlineData("""{"allowed_workspaces_type":"SOME"}""", "d", "SOME", "a,b")]
    [InlineData("""{"allowed_workspaces_type":"SOME","allowed_workspaces":["b","a","c"]}""", "d", "SOME", "b,a,c")]
    [InlineData("""{"allowed_workspaces_type":"ALL"}""", "d", "ALL", "")]
    [InlineData("""{"allowed_workspaces_type":"NONE","allowed_workspaces":["c"]}""", "d", "NONE", "")]
    public async Task A_change_keeps_omitted_members(string change, string description, string rule, string workspaces)
    {
        using var admin = await server.NewAdminAsync(Vault.NewOrganization());
        var body = Vault.Body("key", "some value", "SOME", "a", "b");
        body["description"] = "d";
        (await admin.PostAsync(Vault.Path, body)).MustBeDone();

        var patch = JsonNode.Parse(change)!.AsObject();
        patch["alias"] = "key";
        (await admin.PatchAsync(Vault.Path, patch)).MustBeDone();

        var secret = await admin.AliasAsync("key");
        Assert.Equal(description, secret["description"]!.GetValue<string>());
        Assert.Equal(rule, secret["allowed_workspaces_type"]!.GetValue<string>());
        Assert.Equal(workspaces, string.Join(',', secret["allowed_workspaces"]!.AsArray().Select(one => one!.GetValue<string>())));
    }

    [Theory]
    [InlineData("ALL")]
    [InlineData("NONE")]
    public async Task Changing_the_rule_to_SOME_requires_workspaces(string before)
    {
        using var admin = await server.NewAdminAsync(Vault.NewOrganization());
        await admin.StoreAliasAsync("key", rule: before, workspaces: ["left out"]);

        foreach (var list in (JsonNode?[])[null, new JsonArray()])
        {
            (await admin.PatchAsync(Vault.Path, new JsonObject { ["alias"] = "key", ["allowed_workspaces_type"] = "SOME", ["allowed_workspaces"] = list }))
                .MustBeRefused(400, "allowed_workspaces");
        }

        Assert.Equal(before, (await admin.AliasAsync("key"))["allowed_workspaces_type"]!.GetValue<string>());
    }

    [Fact]
    public async Task A_list_is_ignored_when_the_rule_is_not_SOME()
    {
        using var admin = await server.NewAdminAsync(Vault.NewOrganization());
        await admin.StoreAliasAsync("key", rule: "ALL", workspaces: ["", "a\0"]);
        Assert.Empty((await admin.AliasAsync("key"))["allowed_workspaces"]!.AsArray());
    }

    [Theory]
    [InlineData("a", 45_000, 200)]
    [InlineData("a", 45_001, 400)]
    [InlineData("a", 1, 200)]
    [InlineData("a", 0, 400)]
    [InlineData("🔑", 20_000, 200)]
    public async Task A_value_has_up_to_45_000_characters(string character, int count, int status)
    {
        using var admin = await server.NewAdminAsync(Vault.NewOrganization());
        var value = string.Concat(Enumerable.Repeat(character, count));

        var stored = await admin.PostAsync(Vault.Path, Vault.Body("key", value));
        var changed = await admin.PatchAsync(Vault.Path, new JsonObject { ["alias"] = "key", ["value"] = value });

        stored.MustBe(status);
        changed.MustBe(status == 200 ? 200 : 400);
        if (status == 200)
        {
            var shown = (await admin.GetAsync($"/api/v1/secrets?organization_id={(await admin.AliasAsync("key"))["org"]}")).MustBe(200);
            Assert.Equal(count == 1 ? "****" : $"{string.Concat(Enumerable.Repeat(character, 4))}...{string.Concat(Enumerable.Repeat(character, 4))}",
                shown.Json["data"]![0]!["display"]!.GetValue<string>());
        }
    }

    [Theory]
    [InlineData("alias", 255, 200)]
    [InlineData("alias", 256, 400)]
    [InlineData("description", 1024, 200)]
    [InlineData("description", 1025, 400)]
    [InlineData("allowed_workspaces", 255, 200)]
    [InlineData("allowed_workspaces", 256, 400)]
    public async Task Length_limits_match_the_contract(string member, int length, int status)
    {
        using var admin = await server.NewAdminAsync(Vault.NewOrganization());
        var text = string.Concat(Enumerable.Repeat(member == "alias" ? "x" : "🔑", length));
        var body = Vault.Body("key", rule: "SOME", workspaces: ["w"]);
        body[member] = member == "allowed_workspaces" ? new JsonArray("w", text) : text;

        (await admin.PostAsync(Vault.Path, body)).MustBe(status).MustNotRepeat(text);
        if (status == 200 && member != "alias")
        {
            var stored = (await admin.AliasAsync("key"))[member]!;
            Assert.Equal(text, (stored is JsonArray list ? list[1]! : stored).GetValue<string>());
        }
    }

    [Fact]
    public async Task Each_organisation_has_its_own_quota_and_exceeding_it_is_403()
    {
        var organization = Vault.NewOrganization();
        using var admin = await server.NewAdminAsync(organization);
        await admin.StoreAliasAsync("one", new string('x', 45_000));
        await admin.StoreAliasAsync("two", new string('x', 45_000));

        (await admin.PostAsync(Vault.Path, Vault.Body("three", new string('x', 10_001)))).MustBeRefused(403, "quota");
        (await admin.PostAsync(Vault.Path, Vault.Body("three", new string('x', 10_001), "SOME", "w"))).MustBeRefused(403, "quota");
        await admin.StoreAliasAsync("three", new string('x', 10_000));
        (await admin.PatchAsync(Vault.Path, new JsonObject { ["alias"] = "three", ["value"] = new string('x', 10_001) })).MustBeRefused(403, "quota");
        await admin.CreateSecretAsync("the admin's own");

        Assert.Equal(ApiServer.Quota, (await admin.GetAsync($"/api/v1/usage?organization_id={organization}")).MustBe(200).Json["bytes_used"]!.GetValue<long>());
        (await admin.DeleteAliasAsync("two")).MustBeDone();
        Assert.Equal(55_000, (await admin.GetAsync($"/api/v1/usage?organization_id={organization}")).MustBe(200).Json["bytes_used"]!.GetValue<long>());
    }

    private static (Guid Created, Guid Updated) AuthorsOf(JsonObject secret) =>
        (secret["created_by"]!.GetValue<Guid>(), secret["last_updated_by"]!.GetValue<Guid>());
}
