using System.Text.Json.Nodes;
using Secrets.Api.Tests.AiHub;
using Secrets.TestKit;

namespace Secrets.Api.Tests.V1;

/// <summary>Secrets of an organisation through the agent-secrets endpoints: the secrets of the vault, with a binding.</summary>
public sealed class SecretsOfOrganizations(ApiServer server)
{
    [Fact]
    public async Task A_secret_of_an_organisation_appears_in_both_dialects()
    {
        var organization = Vault.NewOrganization();
        using var admin = await server.NewAdminAsync(organization);

        var made = (await admin.PostAsync(In(organization), Default("linear-key", "agno__*"))).MustBe(200);
        var got = (await admin.GetAsync(Answers.One(Id(made)))).MustBe(200);
        var listed = (await admin.GetAsync(In(organization))).MustBe(200).Json["data"]!.AsArray();
        var own = (await admin.GetAsync(Answers.Secrets)).MustBe(200).Json["data"]!.AsArray();
        var alias = await admin.AliasAsync("linear-key");

        Assert.Equal(admin.UserId, made.Json["user_id"]!.GetValue<Guid>());
        Assert.Equal(organization, made.Json["organization_id"]!.GetValue<string>());
        Assert.Equal(made.Body, got.Body);
        Assert.Equal(made.ETag(), got.ETag());
        Assert.Equal(Id(made), Assert.Single(listed)!["secret_id"]!.GetValue<Guid>());
        Assert.Empty(own);
        Assert.Equal("ALL", alias["allowed_workspaces_type"]!.GetValue<string>());
        Assert.Equal("", alias["description"]!.GetValue<string>());
    }

    [Fact]
    public async Task A_users_secret_has_no_organisation_member()
    {
        var organization = Vault.NewOrganization();
        using var admin = await server.NewAdminAsync(organization);
        using var second = await server.NewAdminAsync(organization);
        var own = await admin.CreateSecretAsync("own");

        (await admin.GetAsync(Answers.One(own))).MustBeSecret();
        (await second.GetAsync(Answers.One(own))).MustBeError(404);
        (await second.PatchAsync(Answers.One(own), new JsonObject { ["tool_arg"] = "a" })).MustBeError(404);
        Assert.Empty((await admin.GetAsync(Vault.Path)).MustBeAliases());
    }

    [Fact]
    public async Task Any_admin_changes_conditionally_and_deletes()
    {
        var organization = Vault.NewOrganization();
        using var admin = await server.NewAdminAsync(organization);
        using var second = await server.NewAdminAsync(organization);
        var made = (await admin.PostAsync(In(organization), Default("key", "agno__*"))).MustBe(200);
        var one = Answers.One(Id(made));

        var changed = (await second.SendAsync(HttpMethod.Patch, one, """{"secret_value":"another value"}""", ("If-Match", made.ETag()!))).MustBe(200);
        (await admin.SendAsync(HttpMethod.Patch, one, """{"tool_arg":"b"}""", ("If-Match", made.ETag()!))).MustBeError(412);
        Assert.Equal(second.UserId.ToString(), (await admin.AliasAsync("key"))["last_updated_by"]!.GetValue<string>());
        Assert.Equal(admin.UserId, changed.Json["user_id"]!.GetValue<Guid>());
        (await second.SendAsync(HttpMethod.Delete, one, json: null, ("If-Match", changed.ETag()!))).MustBe(200);
        (await admin.GetAsync(one)).MustBeError(404);
        Assert.Equal(0, (await admin.GetAsync($"/api/v1/usage?organization_id={organization}")).MustBe(200).Json["bytes_used"]!.GetValue<long>());
    }

    [Fact]
    public async Task A_delete_of_an_unknown_id_writes_nothing_and_takes_no_lock()
    {
        var organization = Vault.NewOrganization();
        using var admin = await server.NewAdminAsync(organization);
        (await admin.PostAsync(In(organization), Default("key", "agno__*"))).MustBe(200);
        var stamp = await StampAsync();

        await using (await server.HoldAsync("UPDATE owners SET stamp = stamp WHERE id = @id", ("id", organization)))
        {
            (await admin.DeleteAsync(Answers.One(Guid.NewGuid()))).MustBeError(404);
        }

        Assert.Equal(stamp, await StampAsync());

        Task<long> StampAsync() => server.ScalarAsync<long>("SELECT stamp FROM owners WHERE id = @id", ("id", organization));
    }

    [Fact]
    public async Task An_organisation_secret_cannot_be_renamed()
    {
        var organization = Vault.NewOrganization();
        using var admin = await server.NewAdminAsync(organization);
        var made = (await admin.PostAsync(In(organization), Default("key", "agno__*"))).MustBe(200);

        (await admin.PatchAsync(Answers.One(Id(made)), new JsonObject { ["secret_name"] = "other" })).MustBeInvalid("body.secret_name: value_error");
        (await admin.PatchAsync(Answers.One(Id(made)), new JsonObject { ["secret_name"] = "key" })).MustBe(200);
        foreach (var name in (string[])["with a blank", "é", "a/b", new('x', 256)])
        {
            Assert.Contains("secret_name", (await admin.PostAsync(In(organization), Default(name, "*"))).MustBe(422).Body, StringComparison.Ordinal);
        }

        (await admin.PostAsync(In(organization), Default("key", "other__*"))).MustBeError(409);
        (await admin.PostAsync(In(organization), Default("other", "agno__*"))).MustBeError(409);
    }

    [Fact]
    public async Task The_users_default_precedes_the_organisations_and_explain_says_so()
    {
        var organization = Vault.NewOrganization();
        var user = Guid.NewGuid();
        using var admin = await server.NewAdminAsync(organization);
        using var runtime = await server.NewKeyAsync(user, ["secrets:resolve", "secrets:read", "secrets:write"], organization);
        var shared = Id((await admin.PostAsync(In(organization), Default("shared", "agno__linear__get", "of the organisation"))).MustBe(200));
        var call = ToolCall(organization, "support");

        Assert.Equal("of the organisation organization", await ValueAsync(runtime, call));
        var own = await runtime.CreateSecretAsync("own", "of the user", "agno__*", "api_token", isDefault: true);
        Assert.Equal("of the user user", await ValueAsync(runtime, call));

        var explained = (await runtime.AskAsync($"{Answers.Secrets}/resolve/explain", call)).MustBe(200).Json["arguments"]![0]!;
        Assert.Equal(own, explained["winner"]!["secret_id"]!.GetValue<Guid>());
        Assert.Contains("a user's own default comes before an organisation's", explained["rule"]!.GetValue<string>(), StringComparison.Ordinal);
        Assert.Equal([own, shared], explained["candidates"]!.AsArray().Select(candidate => candidate!["secret_id"]!.GetValue<Guid>()));

        (await runtime.DeleteAsync(Answers.One(own))).MustBe(200);
        Assert.Equal("of the organisation organization", await ValueAsync(runtime, call));
        (await admin.PatchAsync(Vault.Path, new JsonObject { ["alias"] = "shared", ["allowed_workspaces_type"] = "SOME", ["allowed_workspaces"] = new JsonArray("sales") })).MustBeDone();
        Assert.Null(await ValueAsync(runtime, call));
        Assert.Equal("of the organisation organization", await ValueAsync(runtime, ToolCall(organization, "sales")));
    }

    [Fact]
    public async Task Overlaps_are_reported_within_one_organisation_only()
    {
        var organization = Vault.NewOrganization();
        using var admin = await server.NewAdminAsync(organization);
        await admin.CreateSecretAsync("own", toolName: "agno__l*", toolArg: "api_token", isDefault: true);
        var wide = Id((await admin.PostAsync(In(organization), Default("wide", "agno__*"))).MustBe(200));

        var made = (await admin.PostAsync(In(organization), Default("narrow", "agno__linear__*"))).MustBe(200);

        Assert.Equal(wide, Assert.Single(made.Json["warnings"]!.AsArray())!["secret_id"]!.GetValue<Guid>());
    }

    [Fact]
    public async Task Each_operation_is_one_row_that_admins_see()
    {
        var organization = Vault.NewOrganization();
        using var admin = await server.NewAdminAsync(organization);
        using var reader = await server.NewAdminAsync(organization, "audit:read");
        using var outsider = await server.NewKeyAsync(Guid.NewGuid(), ["audit:read"], Vault.NewOrganization(), "admin");
        using var member = await server.NewKeyAsync(Guid.NewGuid(), ["secrets:read", "secrets:write", "audit:read"], organization, "member", "support");
        using var runtime = await server.NewKeyAsync(Guid.NewGuid(), ["secrets:resolve"], organization);
        await admin.StoreAliasAsync("key", "a value", "SOME", "support");
        await admin.StoreAliasAsync("key2");
        (await admin.PatchAsync(Vault.Path, new JsonObject { ["alias"] = "key", ["description"] = "d" })).MustBeDone();
        (await runtime.ResolveAliasAsync("key", organization, "support")).MustBe(200);
        (await member.PatchAsync(Vault.Path, new JsonObject { ["alias"] = "key", ["description"] = "d" })).MustBeRefused(401);
        (await member.GetAsync(Vault.Path)).MustBeRefused(401);
        (await admin.DeleteAliasAsync("unknown")).MustBeRefused(404);
        (await admin.DeleteAliasAsync("key")).MustBeDone();
        (await admin.SendAsync(HttpMethod.Get, Vault.Path, json: null, ("IB-Context", Vault.NewOrganization()))).MustBeRefused(401);

        Assert.Equal(
            [
                "secret.delete success 2", "secret.delete denied ", "secret.list denied ", "secret.update denied ", "secret.resolve success 2",
                "secret.update success 2", "secret.create success 1", "secret.create success 1",
            ],
            await RowsAsync(reader));
        Assert.Empty(await RowsAsync(outsider));
        Assert.Equal(["secret.list denied ", "secret.update denied "], await RowsAsync(member));

        async Task<IEnumerable<string>> RowsAsync(ApiClient client) =>
            [.. (await client.GetAsync("/api/v1/audit")).MustBe(200).Json["data"]!.AsArray()
                .Where(row => row!["owner"]?["id"]?.GetValue<string>() == organization && row["target_key_id"] is null)
                .Select(row => $"{row!["action"]} {row["outcome"]} {row["secret_version"]}")];
    }

    [Fact]
    public async Task Only_admins_see_the_usage_of_an_organisation()
    {
        var organization = Vault.NewOrganization();
        using var admin = await server.NewAdminAsync(organization);
        using var member = await server.NewMemberAsync(organization, "support");
        var usage = $"/api/v1/usage?organization_id={organization}";
        await admin.StoreAliasAsync("key", "a value", "NONE");

        Assert.Equal(7, (await admin.GetAsync(usage)).MustBe(200).Json["bytes_used"]!.GetValue<int>());
        (await member.GetAsync(usage)).MustBeError(403);
        Assert.Equal(0, (await member.GetAsync("/api/v1/usage")).MustBe(200).Json["bytes_used"]!.GetValue<int>());
    }

    /// <summary>A token may contain any organisation name of its issuer, so the check of the name comes later.</summary>
    [Fact]
    public async Task An_organisation_name_with_hidden_characters_stores_nothing()
    {
        var organization = $"{Vault.NewOrganization()} ";
        using var admin = server.WithToken(server.Issuer.Token(
            Guid.NewGuid(), ("organizations", new JsonArray(new JsonObject { ["id"] = organization, ["role"] = "admin" }))));

        (await admin.PostAsync(In(Uri.EscapeDataString(organization)), Default("n", "tool"))).MustBeInvalid("query.organization_id: value_error");
        (await admin.PostAsync(Vault.Path, Vault.Body("key"))).MustBeRefused(400, "organization_id: ");
        Assert.Empty((await admin.GetAsync(In(Uri.EscapeDataString(organization)))).MustBe(200).Json["data"]!.AsArray());
    }

    [Fact]
    public async Task A_blank_organisation_does_not_mean_the_caller()
    {
        using var user = await server.NewUserAsync();

        (await user.PostAsync(In("%20"), Default("n", "tool"))).MustBeError(403);
        (await user.GetAsync(In("%20"))).MustBeError(403);
        (await user.GetAsync("/api/v1/usage?organization_id=%20")).MustBeError(403);
    }

    private static string In(string organization) => $"{Answers.Secrets}?organization_id={organization}";

    private static Guid Id(Answer answer) => answer.Json["secret_id"]!.GetValue<Guid>();

    private static JsonObject Default(string name, string tool, string value = "a value of a secret") => new()
    {
        ["secret_name"] = name,
        ["secret_value"] = value,
        ["tool_name"] = tool,
        ["tool_arg"] = "api_token",
        ["is_default_for_tool"] = true,
    };

    private static JsonObject ToolCall(string organization, string workspace) => new()
    {
        ["tool_name"] = "agno__linear__get",
        ["tool_args"] = new JsonArray("api_token"),
        ["organization_id"] = organization,
        ["workspace"] = workspace,
    };

    private static async Task<string?> ValueAsync(ApiClient runtime, JsonObject call) =>
        (await runtime.AskAsync($"{Answers.Secrets}/resolve", call)).MustBe(200).Json["values"]!.AsArray().SingleOrDefault() is { } row
            ? $"{row["secret_value"]} {row["owner"]}"
            : null;
}
