using System.Text.Json.Nodes;
using Secrets.TestKit;

namespace Secrets.Api.Tests.Running;

/// <summary>The recovery by an operator after an attacker wrote to the database (docs/operations.md).</summary>
public sealed class AcceptingAfterTampering
{
    private const string Secrets = "/api/v1/secrets";

    [Fact]
    public async Task Accepting_keeps_verified_secrets_and_removes_the_rest()
    {
        await using var started = await Started.NewAsync();
        var (installation, service, @operator, user) = started;
        using var runtime = await NewKeyAsync(service, @operator, user, "secrets:read", "secrets:write", "secrets:resolve");
        var (kept, edited, old) = (
            await runtime.CreateSecretAsync("kept", "the kept value", "t", "kept", isDefault: true),
            await runtime.CreateSecretAsync("edited", "the edited value", "t", "edited", isDefault: true),
            await runtime.CreateSecretAsync("old", "the old value", "t", "old", isDefault: true));
        var deleted = await runtime.CreateSecretAsync("deleted", "the deleted value", "t", "deleted", isDefault: true);
        await AttackAsync(installation, $"SELECT * INTO saved FROM secrets WHERE id IN ('{old}', '{deleted}'){TestDatabase.WithoutComputed("saved")}");
        (await runtime.PatchAsync($"{Secrets}/{old}", new JsonObject { ["secret_value"] = "the new value" })).MustBe(200);
        (await runtime.DeleteAsync($"{Secrets}/{deleted}")).MustBe(200);
        Assert.Equal((0, "Everything verifies."), await RunAsync(installation, "integrity", "list"));

        await AttackAsync(installation, $"DELETE FROM secret_uses; DELETE FROM secrets WHERE id = '{old}'; INSERT INTO secrets SELECT * FROM saved; UPDATE secrets SET tool_arg = 'other' WHERE id = '{edited}'");

        (await ResolveAsync(runtime)).MustBe(409);
        var ready = (await @operator.GetAsync("/health/ready")).MustBe(200).Json;
        Assert.Equal(("ok", 1), (ready["status"]!.GetValue<string>(), ready["integrity"]!["owners"]!.GetValue<int>()));
        Assert.NotNull(ready["integrity"]!["since"]);
        Assert.Equal("""{"status":"ok"}""", (await runtime.GetAsync("/health/ready")).MustBe(200).Body);
        var (code, listed) = await RunAsProcessAsync(installation, "integrity", "list");
        Assert.Equal(3, code);
        Assert.Contains($"User:{user}: the rows are not those of version", listed, StringComparison.Ordinal);

        // No answer to the question counts as no.
        var (refused, asked) = await RunAsProcessAsync(installation, "integrity", "accept", "--owner", $"user:{user}");
        Assert.Equal(1, refused);
        Assert.Contains("Nothing was changed.", asked, StringComparison.Ordinal);
        (await ResolveAsync(runtime)).MustBe(409);

        var (accepted, words) = await RunAsync(installation, "integrity", "accept", "--owner", $"user:{user}", "--yes");
        Assert.Equal(0, accepted);
        Assert.Contains($"accepted {kept} 'kept'", words, StringComparison.Ordinal);
        Assert.Contains($"removed {edited} 'edited': its value does not open in this row", words, StringComparison.Ordinal);
        Assert.Contains($"removed {old} 'old': its version is 1, but the audit's latest is 2", words, StringComparison.Ordinal);
        Assert.Contains($"removed {deleted} 'deleted': the audit records its deletion", words, StringComparison.Ordinal);
        Assert.DoesNotContain("value\"", words, StringComparison.Ordinal);
        Assert.Equal((0, "Everything verifies."), await RunAsync(installation, "integrity", "list"));

        // The running service continues.
        var values = (await ResolveAsync(runtime)).MustBe(200).Json["values"]!.AsArray();
        Assert.Equal("the kept value", Assert.Single(values)!["secret_value"]!.GetValue<string>());
        await runtime.CreateSecretAsync("old", "stored again", "t", "old", isDefault: true);
        Assert.Equal(2, (await ResolveAsync(runtime)).MustBe(200).Json["values"]!.AsArray().Count);
        Assert.Equal(0, (await @operator.GetAsync("/health/ready")).MustBe(200).Json["integrity"]!["owners"]!.GetValue<int>());
        var actions = (await @operator.GetAsync("/api/v1/audit?limit=100")).MustBe(200).Json["data"]!.AsArray().Select(row => row!["action"]!.GetValue<string>()).ToList();
        Assert.Contains("integrity.failure", actions);
        Assert.Contains("integrity.accept", actions);
        Assert.True((await @operator.GetAsync("/api/v1/audit/verify")).MustBe(200).Json["ok"]!.GetValue<bool>());
    }

    [Fact]
    public async Task A_secret_is_marked_if_its_audit_was_changed_too()
    {
        await using var started = await Started.NewAsync();
        var (installation, service, @operator, user) = started;
        using var runtime = await NewKeyAsync(service, @operator, user, "secrets:read", "secrets:write");
        var id = await runtime.CreateSecretAsync("old", "the old value", "t", "a", isDefault: true);
        await AttackAsync(installation, $"SELECT * INTO saved FROM secrets WHERE id = '{id}'{TestDatabase.WithoutComputed("saved")}");
        (await runtime.PatchAsync($"{Secrets}/{id}", new JsonObject { ["secret_value"] = "the new value" })).MustBe(200);

        await AttackAsync(installation, $"DELETE FROM secrets WHERE id = '{id}'; INSERT INTO secrets SELECT * FROM saved; UPDATE audit SET hash = (SELECT mac FROM audit_keys) WHERE secret_id = '{id}' AND secret_version = 2");

        var (accepted, words) = await RunAsync(installation, "integrity", "accept", "--owner", $"user:{user}", "--yes");
        Assert.Equal(0, accepted);
        Assert.Contains($"accepted {id} 'old': perhaps an old version, because an audit row of this owner does not verify", words, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_earlier_quarantine_that_is_put_back_is_accepted_with_marks()
    {
        await using var started = await Started.NewAsync();
        var (installation, service, @operator, user) = started;
        using var runtime = await NewKeyAsync(service, @operator, user, "secrets:read", "secrets:write");
        var id = await runtime.CreateSecretAsync("old", "the old value", "t", "a", isDefault: true);
        await RunAsync(installation, "integrity", "quarantine", "--owner", $"user:{user}", "--yes");
        await AttackAsync(installation, $"SELECT * INTO saved_owners FROM owners WHERE id = '{user}'; SELECT * INTO saved FROM secrets WHERE id = '{id}'{TestDatabase.WithoutComputed("saved")}");
        await RunAsync(installation, "integrity", "accept", "--owner", $"user:{user}", "--yes");
        (await runtime.PatchAsync($"{Secrets}/{id}", new JsonObject { ["secret_value"] = "the new value" })).MustBe(200);

        await AttackAsync(
            installation,
            $"DELETE FROM secrets WHERE id = '{id}'; INSERT INTO secrets SELECT * FROM saved; "
            + $"UPDATE owners SET version = s.version, account = s.account, bytes_used = s.bytes_used FROM saved_owners s WHERE owners.id = '{user}'; "
            + $"UPDATE audit SET hash = (SELECT mac FROM audit_keys) WHERE owner_id = '{user}' AND target_key_user_id IS NULL AND owner_version > (SELECT version FROM saved_owners)");

        var (accepted, words) = await RunAsync(installation, "integrity", "accept", "--owner", $"user:{user}", "--yes");
        Assert.Equal(0, accepted);
        Assert.Contains($"accepted {id} 'old': perhaps an old version", words, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Quarantine_blocks_resolves_and_changes_until_accepted()
    {
        await using var started = await Started.NewAsync();
        var (installation, service, @operator, user) = started;
        using var runtime = await NewKeyAsync(service, @operator, user, "secrets:read", "secrets:write", "secrets:resolve");
        var id = await runtime.CreateSecretAsync("kept", "the kept value", "t", "kept", isDefault: true);
        (await ResolveAsync(runtime)).MustBe(200);
        await AttackAsync(installation, $"SELECT * INTO saved FROM owners WHERE id = '{user}'");

        var (mistyped, reason) = await RunAsync(installation, "integrity", "quarantine", "--owner", $"user:{Guid.NewGuid()}", "--yes");
        Assert.Equal(1, mistyped);
        Assert.Contains("stores nothing, so nothing was changed", reason, StringComparison.Ordinal);

        var (code, words) = await RunAsync(installation, "integrity", "quarantine", "--owner", $"user:{user}", "--yes");
        Assert.Equal((0, $"User:{user} is in quarantine: reads and writes of its secrets fail until `integrity accept`"), (code, words));
        await MustBeRefusedAsync();

        // An edit of the database does not end the quarantine.
        await AttackAsync(installation, $"UPDATE owners SET version = s.version, account = s.account FROM saved s WHERE owners.id = '{user}'");
        await MustBeRefusedAsync();

        // Data that does not verify can still be quarantined, and is then accepted row by row.
        Assert.Equal(0, (await RunAsync(installation, "integrity", "quarantine", "--owner", $"user:{user}", "--yes")).Code);
        Assert.Contains($"accepted {id} 'kept'", (await RunAsync(installation, "integrity", "accept", "--owner", $"user:{user}", "--yes")).Words, StringComparison.Ordinal);
        Assert.Equal("the kept value", (await ResolveAsync(runtime)).MustBe(200).Json["values"]![0]!["secret_value"]!.GetValue<string>());

        // Untouched data returns unchanged.
        await RunAsync(installation, "integrity", "quarantine", "--owner", $"user:{user}", "--yes");
        await MustBeRefusedAsync();
        Assert.Contains("as it was before the quarantine: 1 secrets", (await RunAsync(installation, "integrity", "accept", "--owner", $"user:{user}", "--yes")).Words, StringComparison.Ordinal);
        Assert.Equal("the kept value", (await ResolveAsync(runtime)).MustBe(200).Json["values"]![0]!["secret_value"]!.GetValue<string>());
        Assert.Contains((await @operator.GetAsync("/api/v1/audit?action=integrity.quarantine")).MustBe(200).Json["data"]!.AsArray(), row => row!["owner"]!["id"]!.GetValue<Guid>() == user);

        async Task MustBeRefusedAsync()
        {
            (await ResolveAsync(runtime)).MustBe(409);
            (await runtime.PatchAsync($"{Secrets}/{id}", new JsonObject { ["secret_value"] = "another" })).MustBe(409);
            (await runtime.PostAsync(Secrets, new JsonObject { ["secret_name"] = "new", ["secret_value"] = "another" })).MustBe(409);
        }
    }

    [Fact]
    public async Task Keys_that_do_not_verify_stop_working()
    {
        await using var started = await Started.NewAsync();
        var (installation, service, @operator, user) = started;
        using var one = await NewKeyAsync(service, @operator, user, "secrets:read");
        using var other = await NewKeyAsync(service, @operator, user, "secrets:read");
        await one.GetAsync(Secrets);
        await AttackAsync(installation, $"UPDATE api_keys SET scopes = 63 WHERE prefix = '{one.Key![..17]}'");
        (await one.GetAsync(Secrets)).MustBe(401);

        var (accepted, words) = await RunAsync(installation, "integrity", "accept", "--owner", $"user:{user}", "--yes");

        Assert.Equal(0, accepted);
        Assert.Contains($"revoked API key '{one.Key[..17]}'", words, StringComparison.Ordinal);
        Assert.Contains($"revoked API key '{other.Key![..17]}'", words, StringComparison.Ordinal);
        (await one.GetAsync(Secrets)).MustBe(401);
        (await other.GetAsync(Secrets)).MustBe(401);
        using var next = await NewKeyAsync(service, @operator, user, "secrets:read");
        (await next.GetAsync(Secrets)).MustBe(200);
        Assert.Equal((0, "Everything verifies."), await RunAsync(installation, "integrity", "list"));
    }

    [Theory]
    [InlineData("user:nobody")]
    [InlineData("organization:")]
    [InlineData("secret")]
    public async Task An_owner_is_named_by_kind_and_id(string owner)
    {
        using var installation = await Installation.NewAsync();
        var (code, words) = await RunAsync(installation, "integrity", "accept", "--owner", owner);
        Assert.Equal(2, code);
        Assert.Contains("--owner must be user:<uuid> or organization:<id>.", words, StringComparison.Ordinal);
    }

    private static async Task<(int Code, string Words)> RunAsync(Installation installation, params string[] arguments)
    {
        await using var command = installation.RunHere(arguments);
        return await ResultAsync(command);
    }

    private static async Task<(int Code, string Words)> RunAsProcessAsync(Installation installation, params string[] arguments)
    {
        await using var command = installation.Run(arguments);
        return await ResultAsync(command);
    }

    private static async Task<(int Code, string Words)> ResultAsync(RunningService command)
    {
        var code = await command.ExitCodeAsync();
        return (code, string.Join('\n', command.Output.Split('\n').Where(line => !line.StartsWith('{') && !line.StartsWith('[') && line.Length > 0)).Trim());
    }

    private static async Task<ApiClient> NewKeyAsync(RunningService service, ApiClient @operator, Guid user, params string[] scopes)
    {
        var made = (await @operator.PostAsync("/api/v1/api-keys", new JsonObject
        {
            ["name"] = "test",
            ["user_id"] = user.ToString(),
            ["scopes"] = new JsonArray([.. scopes.Select(scope => (JsonNode)scope)]),
        })).MustBe(200).Json;
        var key = made["key"]!.GetValue<string>();
        return new ApiClient(new HttpClient { BaseAddress = await service.AddressAsync(), DefaultRequestHeaders = { { "x-api-key", key } } }) { Key = key, UserId = user };
    }

    private static Task<Answer> ResolveAsync(ApiClient client) => client.AskAsync($"{Secrets}/resolve", """{"tool_name":"t"}""");

    private static Task AttackAsync(Installation installation, string sql) =>
        TestDatabase.RunAsync(installation.ConnectionString, TestDatabase.Own(sql), [], command => command.ExecuteNonQueryAsync());

    /// <summary>A running service with an operator, and the id of a user.</summary>
    private sealed record Started(Installation Installation, ServiceInProcess Service, ApiClient Operator, Guid User) : IAsyncDisposable
    {
        public static async Task<Started> NewAsync()
        {
            var installation = await Installation.NewAsync();
            await installation.MakeAsync();
            var service = installation.StartHere();
            return new Started(installation, service, await service.ClientAsync(Installation.Key), Guid.NewGuid());
        }

        public async ValueTask DisposeAsync()
        {
            Operator.Dispose();
            await Service.DisposeAsync();
            Installation.Dispose();
        }
    }
}
