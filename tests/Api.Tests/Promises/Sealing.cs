using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Secrets.Api.Tests.AiHub;
using Secrets.TestKit;

namespace Secrets.Api.Tests.Promises;

/// <summary>Promise 5: a ciphertext opens only in the row that it was sealed for.</summary>
public sealed partial class Sealing(ApiServer server)
{
    private const string Path = "/api/v1/secrets";

    private const string Flip = "flip ";

    /// <summary>Edits of a row in SQL, and flipped bits of the envelope: <c>flip byte mask</c>, from the end if negative.</summary>
    public static IEnumerable<TheoryDataRow<string>> Tampering =>
        [.. new TheoryData<string>("flip 0 1", "flip 5 1", "flip 20 128", "flip 30 1", "flip -1 1"), .. TestDatabase.IsSqlServer ? TamperingInTSql : TamperingInPostgres];

    /// <summary>The same edits in T-SQL.</summary>
    public static IEnumerable<TheoryDataRow<string>> TamperingInTSql => new TheoryData<string>(
        "envelope = SUBSTRING(envelope, 1, DATALENGTH(envelope) - 1)",
        "envelope = SUBSTRING(envelope, 1, 10)",
        "envelope = 0x",
        "envelope = envelope + 0x00",
        "name = name + N'x'",
        "tool_name = N'*'",
        "tool_name = NULL, is_default_for_tool = 0",
        "tool_arg = N'other'",
        "tool_arg = NULL, is_default_for_tool = 0",
        "is_default_for_tool = 0",
        "workspace_rule = 3",
        "version = version + 1");

    private static IEnumerable<TheoryDataRow<string>> TamperingInPostgres => new TheoryData<string>(
        "envelope = substring(envelope from 1 for length(envelope) - 1)",
        "envelope = substring(envelope from 1 for 10)",
        "envelope = ''::bytea",
        "envelope = envelope || '\\x00'::bytea",
        "name = name || 'x'",
        "tool_name = '*'",
        "tool_name = NULL, is_default_for_tool = false",
        "tool_arg = 'other'",
        "tool_arg = NULL, is_default_for_tool = false",
        "is_default_for_tool = false",
        "workspace_rule = 3",
        "version = version + 1");

    [Theory]
    [MemberData(nameof(Tampering))]
    public async Task An_edited_row_does_not_open(string edit)
    {
        using var user = await server.NewUserAsync();
        var id = await user.CreateSecretAsync("sealed", "a value that is sealed", "tool__*", "api_key", isDefault: true);

        await Edit(id, edit);

        await AssertItDoesNotOpen(user, id);
    }

    [Theory]
    [MemberData(nameof(TamperingInTSql))]
    public void Edits_for_SqlServer_are_valid_T_SQL(string edit) => TSql.Check($"UPDATE secrets SET {edit} WHERE id = @id");

    [Fact]
    public async Task An_untouched_row_opens()
    {
        using var user = await server.NewUserAsync();
        var id = await user.CreateSecretAsync("sealed", "a value that is sealed", "tool__*", "api_key", isDefault: true);
        await Edit(id, "updated_at = updated_at");
        (await user.PatchAsync($"{Path}/{id}", new JsonObject { ["secret_name"] = "renamed" })).MustBe(200);
    }

    [Fact]
    public async Task An_envelope_does_not_open_in_another_row_of_its_owner()
    {
        using var user = await server.NewUserAsync();
        var one = await user.CreateSecretAsync("one", "the value of one");
        var two = await user.CreateSecretAsync("two", "the value of two");

        await server.ExecuteSqlAsync(
            "UPDATE secrets SET envelope = (SELECT envelope FROM secrets WHERE id = @one) WHERE id = @two", ("one", one), ("two", two));

        await AssertItDoesNotOpen(user, two);
    }

    [Fact]
    public async Task An_envelope_does_not_open_for_another_owner()
    {
        using var victim = await server.NewUserAsync();
        using var thief = await server.NewUserAsync();
        var theirs = await victim.CreateSecretAsync("theirs", "the value of the victim");
        await thief.CreateSecretAsync("own", "the value of the thief");

        await server.ExecuteSqlAsync(
            "UPDATE secrets SET owner_id = @thief WHERE id = @id", ("thief", thief.UserId.ToString()), ("id", theirs));

        await AssertItDoesNotOpen(thief, theirs);
    }

    [Fact]
    public async Task An_older_envelope_of_the_same_row_does_not_open()
    {
        using var user = await server.NewUserAsync();
        var id = await user.CreateSecretAsync("rolled back", "the old value");
        await server.ExecuteSqlAsync(Sql.Of(
            "CREATE TABLE IF NOT EXISTS test_stolen (id uuid, envelope bytea)",
            "IF OBJECT_ID(N'test_stolen') IS NULL CREATE TABLE test_stolen (id binary(16), envelope varbinary(max))"));
        await server.ExecuteSqlAsync("INSERT INTO test_stolen SELECT id, envelope FROM secrets WHERE id = @id", ("id", id));
        (await user.PatchAsync($"{Path}/{id}", new JsonObject { ["secret_value"] = "the new value" })).MustBe(200);

        await server.ExecuteSqlAsync(
            "UPDATE secrets SET envelope = (SELECT envelope FROM test_stolen WHERE test_stolen.id = secrets.id) WHERE id = @id", ("id", id));

        await AssertItDoesNotOpen(user, id);
    }

    [Fact]
    public async Task A_value_without_its_data_key_does_not_open()
    {
        using var user = await server.NewUserAsync();
        var id = await user.CreateSecretAsync("shredded");

        // This replica still caches the key. The envelope names an unknown key instead, as another replica would see it.
        await EditEnvelopeAsync(id, envelope => Convert.FromHexString("00112233445566778899aabbccddeeff").CopyTo(envelope, 1));

        await AssertItDoesNotOpen(user, id);
    }

    [Theory]
    [MemberData(nameof(Tampering))]
    public async Task An_edited_row_is_never_resolved(string edit)
    {
        using var runtime = await server.NewUserAsync("secrets:read", "secrets:write", "secrets:resolve");
        var id = await runtime.CreateSecretAsync("sealed", "a value that is sealed", "tool__*", "api_key", isDefault: true);
        await CacheAsync(runtime);
        await Edit(id, edit);

        // As a default and by name, under the old binding and under the new one.
        foreach (var arguments in (string[])["\"tool_args\":[\"api_key\"]", "\"tool_args\":[\"other\"]", "\"references\":{\"a\":\"sealed\"}", "\"references\":{\"a\":\"sealedx\"}"])
        {
            var answer = await runtime.AskAsync($"{Path}/resolve", $$"""{"tool_name":"tool__get",{{arguments}}}""");
            answer.MustNotRepeat("a value that is sealed");
            Assert.True(answer.Status == 409 || answer.MustBe(200).Json["values"]!.AsArray().Count == 0, answer.ToString());
        }
    }

    [Theory]
    [InlineData("envelope = name_key")]
    [InlineData("tool_name = '*'")]
    [InlineData("name = CONCAT(name, 'x')")]
    [InlineData("version = version + 1")]
    public async Task An_edited_default_is_not_replaced_by_the_next_one(string edit)
    {
        using var runtime = await server.NewUserAsync("secrets:read", "secrets:write", "secrets:resolve");
        await runtime.CreateSecretAsync("next", "another value", "**", "api_key", isDefault: true);
        var id = await runtime.CreateSecretAsync("sealed", "a value that is sealed", "tool__*", "api_key", isDefault: true);
        await CacheAsync(runtime);
        await Edit(id, edit);

        var answer = await runtime.AskAsync($"{Path}/resolve", """{"tool_name":"tool__get","tool_args":["api_key"]}""");

        Assert.Contains("integrity", answer.MustBe(409).Json["detail"]!.GetValue<string>(), StringComparison.Ordinal);
        (await runtime.AskAsync($"{Path}/resolve", """{"tool_name":"tool__get","tool_args":["base_url"]}""")).MustBe(409);
    }

    [Fact]
    public async Task A_secret_is_not_resolved_under_another_name_key()
    {
        using var runtime = await server.NewUserAsync("secrets:read", "secrets:write", "secrets:resolve");
        var id = await runtime.CreateSecretAsync("one", "the value of one");
        var other = await runtime.CreateSecretAsync("other", "the value of the other");
        await CacheAsync(runtime);
        Assert.Equal(1, await server.ExecuteSqlAsync("DELETE FROM secrets WHERE id = @id", ("id", other)));
        await server.ExecuteSqlAsync(
            Sql.Of("UPDATE secrets SET name_key = sha256('other') WHERE id = @id", "UPDATE secrets SET name_key = HASHBYTES('SHA2_256', 'other') WHERE id = @id"),
            ("id", id));

        var answer = await runtime.AskAsync($"{Path}/resolve", """{"tool_name":"t","references":{"a":"other"}}""");

        answer.MustBe(409);
    }

    /// <summary>Makes the service cache the user.</summary>
    private static async Task CacheAsync(ApiClient runtime) =>
        (await runtime.AskAsync($"{Path}/resolve", """{"tool_name":"tool__get"}""")).MustBe(200);

    /// <summary>Edits of a secret that the workspaces "support" and "sales" may use.</summary>
    public static TheoryData<string> TamperingWithGrants => new(
        "INSERT INTO workspace_grants (secret_id, number, workspace) VALUES (@id, 2, 'hr')",
        "INSERT INTO workspace_grants (secret_id, number, workspace) VALUES (@id, -1, 'hr')",
        "UPDATE workspace_grants SET workspace = 'hr' WHERE secret_id = @id AND number = 1",
        "UPDATE workspace_grants SET workspace = 'salesx' WHERE secret_id = @id AND number = 1",
        "UPDATE workspace_grants SET number = 2 - number WHERE secret_id = @id AND number = 0",
        "DELETE FROM workspace_grants WHERE secret_id = @id AND number = 1",
        "DELETE FROM workspace_grants WHERE secret_id = @id",
        "UPDATE secrets SET workspace_rule = 1 WHERE id = @id");

    [Theory]
    [MemberData(nameof(TamperingWithGrants))]
    public async Task A_secret_with_edited_grants_is_neither_resolved_nor_changed(string sql)
    {
        var organization = Vault.NewOrganization();
        using var admin = await server.NewAdminAsync(organization);
        using var runtime = await server.NewKeyAsync(Guid.NewGuid(), ["secrets:resolve"], organization);
        await admin.StoreAliasAsync("key", "a value that is sealed", "SOME", "support", "sales");
        var id = (await admin.GetAsync($"{Path}?organization_id={organization}")).MustBe(200).Json["data"]![0]!["secret_id"]!.GetValue<Guid>();
        (await admin.PatchAsync($"{Path}/{id}", new JsonObject { ["tool_name"] = "*", ["tool_arg"] = "a", ["is_default_for_tool"] = true })).MustBe(200);

        Assert.Single((await runtime.ResolveAliasAsync("key", organization, "support")).MustBe(200).Json["values"]!.AsArray());
        Assert.Equal(1, int.Clamp(await server.ExecuteSqlAsync(OnWorkspaces(sql), ("id", id)), 0, 1));

        foreach (var workspace in (string?[])["support", "sales", "hr", "salesx", null])
        {
            foreach (var call in (JsonObject[])[new() { ["tool_args"] = new JsonArray("a") }, new() { ["references"] = new JsonObject { ["b"] = "key" } }])
            {
                (call["tool_name"], call["organization_id"], call["workspace"]) = ("t", organization, workspace);
                var answer = (await runtime.AskAsync($"{Path}/resolve", call)).MustNotRepeat("a value that is sealed");
                Assert.True(answer.Status == 409 || answer.MustBe(200).Json["values"]!.AsArray().Count == 0, answer.ToString());
            }
        }

        (await admin.PatchAsync(Vault.Path, Vault.Body("key", "another value"))).MustBeRefused(409, "integrity");
        (await admin.DeleteAliasAsync("key")).MustBeRefused(409, "integrity");
    }

    [Theory]
    [InlineData("UPDATE secrets SET description = 'edited' WHERE owner_id = @id")]
    [InlineData("INSERT INTO workspace_grants (secret_id, number, workspace) SELECT id, 0, 'hr' FROM secrets WHERE owner_id = @id")]
    public async Task Edits_outside_the_envelope_are_noticed(string sql)
    {
        var organization = Vault.NewOrganization();
        using var admin = await server.NewAdminAsync(organization);
        using var runtime = await server.NewKeyAsync(Guid.NewGuid(), ["secrets:resolve"], organization);
        await admin.StoreAliasAsync("closed", rule: "NONE");
        await server.ExecuteSqlAsync(OnWorkspaces(sql), ("id", organization));

        (await runtime.ResolveAliasAsync("closed", organization, "hr")).MustBe(409);
        (await admin.PatchAsync(Vault.Path, Vault.Body("closed", "v", "SOME", "support"))).MustBeRefused(409, "integrity");
    }

    /// <summary>SQL Server stores workspaces as bytes.</summary>
    private static Sql OnWorkspaces(string sql) => Sql.Of(sql, Workspaces().Replace(sql, "CAST($0 AS varbinary(1020))"));

    private Task Edit(Guid id, string edit) => edit.StartsWith(Flip, StringComparison.Ordinal)
        ? EditEnvelopeAsync(id, envelope =>
        {
            var numbers = edit[Flip.Length..].Split(' ').Select(number => int.Parse(number, CultureInfo.InvariantCulture)).ToList();
            envelope[numbers[0] < 0 ? ^-numbers[0] : numbers[0]] ^= (byte)numbers[1];
        })
        : EditRowAsync(id, edit);

    private async Task EditRowAsync(Guid id, string edit) =>
        Assert.Equal(1, await server.ExecuteSqlAsync(TestDatabase.Own($"UPDATE secrets SET {edit} WHERE id = @id"), ("id", id)));

    private async Task EditEnvelopeAsync(Guid id, Action<byte[]> edit)
    {
        var envelope = await server.ScalarAsync<byte[]>("SELECT envelope FROM secrets WHERE id = @id", ("id", id));
        edit(envelope);
        Assert.Equal(1, await server.ExecuteSqlAsync("UPDATE secrets SET envelope = @envelope WHERE id = @id", ("envelope", envelope), ("id", id)));
    }

    [GeneratedRegex("'(?:hr|salesx)'", RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 1_000)]
    private static partial Regex Workspaces();

    /// <summary>Asserts that updates are refused, also with a new value: resealing would authenticate the edit.</summary>
    private static async Task AssertItDoesNotOpen(ApiClient user, Guid id)
    {
        var renamed = await user.PatchAsync($"{Path}/{id}", new JsonObject { ["secret_name"] = "renamed" });
        var replaced = await user.PatchAsync($"{Path}/{id}", new JsonObject { ["secret_value"] = "another value" });

        Assert.Contains("integrity", renamed.MustBe(409).Json["detail"]!.GetValue<string>(), StringComparison.Ordinal);
        replaced.MustBe(409);
        (await user.DeleteAsync($"{Path}/{id}")).MustBe(409);
    }
}
