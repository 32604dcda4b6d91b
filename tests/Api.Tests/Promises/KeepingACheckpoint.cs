using System.Text.Json.Nodes;
using Npgsql;
using Secrets.TestKit;

namespace Secrets.Api.Tests.Promises;

/// <summary>
/// Promise 9: heads and rows of the audit that are set back together verify on their own. A checkpoint outside the database reveals it:
/// one in a file, or one that an operator fetched.
/// </summary>
public sealed class KeepingACheckpoint : IAsyncLifetime
{
    private const string Ready = "/health/ready";
    private const string Verify = "/api/v1/audit/verify";

    private static readonly string[] Audit = ["audit", "audit_writers", "audit_keys"];

    private readonly string _folder = Directory.CreateTempSubdirectory("secrets-checkpoint-").FullName;
    private Installation _installation = null!;

    private string CheckpointFile => Path.Combine(_folder, "checkpoint.json");

    public async ValueTask InitializeAsync()
    {
        if (TestDatabase.IsThere) // without a database every test is skipped
        {
            _installation = await Installation.NewAsync();
            await _installation.MakeAsync();
        }
    }

    public ValueTask DisposeAsync()
    {
        _installation?.Dispose();
        Directory.Delete(_folder, recursive: true);
        return ValueTask.CompletedTask;
    }

    [Fact]
    public async Task A_set_back_audit_is_noticed_by_a_running_and_a_restarted_service()
    {
        await using (var first = _installation.Start(null, Among([])))
        {
            using var client = await first.ClientAsync(Installation.Key);
            await client.CreateSecretAsync("n", "some value", "t", "a", isDefault: true);
            await AttackAsync(Saving);
            await client.CreateSecretAsync("m", "another value", "u", "a", isDefault: true);
            await UntilFileHasChangedAsync(); // this write may have begun before the create
            var kept = await UntilFileHasChangedAsync();
            Assert.True((await client.PostAsync(Verify, JsonNode.Parse(kept))).MustBe(200).Json["ok"]!.GetValue<bool>());

            // The attacker restores older rows, heads and registry of the killed process, all with valid MACs.
            await first.KillAsync();
            await AttackAsync(SettingBack);
        }

        await using var next = Start();
        using var @operator = await next.ClientAsync(Installation.Key);
        var ready = (await @operator.GetAsync(Ready)).MustBe(503).Json;
        Assert.Equal(["checkpoint"], ready["failed"]!.AsArray().Select(name => name!.GetValue<string>()));
        Assert.Contains("the database was set back", ready["reasons"]!["checkpoint"]!.GetValue<string>(), StringComparison.Ordinal);
        Assert.Contains("The audit was changed outside the service", next.Output, StringComparison.Ordinal);
        var verdict = (await @operator.GetAsync(Verify)).MustBe(200).Json;
        Assert.False(verdict["ok"]!.GetValue<bool>());
        Assert.NotEmpty(verdict["missing"]!.AsArray());

        // The owner's account is ahead of the audit, and the file still holds the newest checkpoint.
        Assert.Contains((await @operator.GetAsync("/api/v1/audit?action=integrity.failure")).MustBe(200).Json["data"]!.AsArray(), row => row!["owner"] is null);
        var before = await File.ReadAllTextAsync(CheckpointFile);
        await Task.Delay(2500);
        Assert.Equal(before, await File.ReadAllTextAsync(CheckpointFile));

        var (found, faults) = await RunAsync("audit", "verify");
        Assert.Equal(3, found);
        Assert.Contains("are missing or replaced", faults, StringComparison.Ordinal);

        var (code, words) = await RunAsync("integrity", "accept", "--database", "--yes");
        Assert.Equal(0, code);
        Assert.Contains("missing", words, StringComparison.Ordinal);
        await @operator.UntilReadyIsAsync(200);

        // The account of an owner with a write that is no longer in the audit has to be accepted too.
        var owner = Assert.Single((await @operator.GetAsync(Verify)).MustBe(200).Json["owners"]!.AsArray())!["owner"]!;
        Assert.Equal(0, (await RunAsync("integrity", "accept", "--owner", $"{owner["kind"]}:{owner["id"]}", "--yes")).Code);
        Assert.True((await @operator.GetAsync(Verify)).MustBe(200).Json["ok"]!.GetValue<bool>());
    }

    [Fact]
    public async Task A_fetched_checkpoint_reveals_missing_rows_and_accepts_restored_ones()
    {
        JsonNode checkpoint;
        Guid id;
        await using (var first = Start(("Audit__CheckpointFile", "")))
        {
            using var writer = await first.ClientAsync(Installation.Key);
            await writer.CreateSecretAsync("n", "some value", "t", "a", isDefault: true);
            await AttackAsync(Saving);
            id = await writer.CreateSecretAsync("m", "another value", "u", "a", isDefault: true);
            checkpoint = (await writer.GetAsync("/api/v1/audit/checkpoint")).MustBe(200).Json;
            Assert.Equal(checkpoint["heads"]!.AsArray().Count, checkpoint["count"]!.GetValue<int>());
            Assert.True((await writer.PostAsync(Verify, checkpoint)).MustBe(200).Json["ok"]!.GetValue<bool>());

            await AttackAsync(SettingBack);

            // The process that wrote the rows misses them. No later write would notice: it may never use their chain again.
            Assert.NotEmpty((await writer.GetAsync(Verify)).MustBe(200).Json["missing"]!.AsArray());
        }

        // Without the checkpoint, another process misses no row.
        await using var service = Start(("Audit__CheckpointFile", ""));
        using var client = await service.ClientAsync(Installation.Key);
        Assert.Equal([], (await client.GetAsync(Verify)).MustBe(200).Json["missing"]!.AsArray());
        var verdict = (await client.PostAsync(Verify, checkpoint)).MustBe(200).Json;
        Assert.False(verdict["ok"]!.GetValue<bool>());
        var missing = Assert.Single(verdict["missing"]!.AsArray())!;
        Assert.Contains(checkpoint["heads"]!.AsArray(), head => head!["writer"]!.GetValue<Guid>() == missing["writer"]!.GetValue<Guid>() && head["sequence"]!.GetValue<long>() == missing["last"]!.GetValue<long>());
        Assert.True(missing["sequence"]!.GetValue<long>() <= missing["last"]!.GetValue<long>());
        (await client.GetAsync($"/api/v1/secrets/{id}")).MustBe(200);
    }

    [Fact]
    public async Task A_checkpoint_of_another_command_does_not_accept_what_is_missing()
    {
        // An earlier acceptance does not count.
        await using (Start())
        {
            await UntilFileHasChangedAsync();
        }

        Assert.Equal(0, (await RunAsync("integrity", "accept", "--database", "--yes")).Code);

        await using var service = Start(("Audit__CheckpointSeconds", "3600"));
        using var client = await service.ClientAsync(Installation.Key);
        await client.CreateSecretAsync("n", "some value", "t", "a", isDefault: true);
        await AttackAsync(Saving);
        await client.CreateSecretAsync("m", "another value", "u", "a", isDefault: true);
        await AttackAsync(SettingBack);

        // The file is older than the missing rows, so these commands do not miss them. Their checkpoints lack the rows too.
        var before = await File.ReadAllTextAsync(CheckpointFile);
        Assert.Equal(0, (await RunAsync("integrity", "quarantine", "--owner", $"user:{ApiClient.BootstrapUser}", "--yes")).Code);
        Assert.NotEqual(before, await File.ReadAllTextAsync(CheckpointFile));
        Assert.Equal(0, (await RunAsync("integrity", "accept", "--owner", $"user:{ApiClient.BootstrapUser}", "--yes")).Code);

        await service.StopAsync();
        Assert.Contains("lack rows that this process stored", service.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_owner_whose_account_was_set_back_is_named()
    {
        await using var service = Start();
        using var client = await service.ClientAsync(Installation.Key);
        await client.CreateSecretAsync("n", "some value", "t", "a", isDefault: true);
        await AttackAsync("SELECT * INTO saved_owners FROM owners; SELECT * INTO saved_accounts FROM key_accounts");
        await client.CreateSecretAsync("m", "another value", "u", "a", isDefault: true);
        var user = Guid.NewGuid();
        (await client.PostAsync("/api/v1/api-keys", new JsonObject { ["name"] = "n", ["user_id"] = $"{user}", ["scopes"] = new JsonArray("secrets:read") })).MustBe(200);
        await AttackAsync($"UPDATE owners SET version = version - 1; DELETE FROM key_accounts WHERE user_id = '{user}'");

        var verdict = (await client.GetAsync(Verify)).MustBe(200).Json;

        Assert.False(verdict["ok"]!.GetValue<bool>());
        Assert.Null(verdict["first_broken"]);
        var owners = verdict["owners"]!.AsArray();
        Assert.Equal(2, owners.Count);
        Assert.Contains(owners, owner => owner!["account"]!.GetValue<string>() is "secrets" && owner["version"]!.GetValue<long>() == owner["audited"]!.GetValue<long>() - 1);
        Assert.Contains(owners, owner => owner!["account"]!.GetValue<string>() is "api_keys" && owner["owner"]!["id"]!.GetValue<Guid>() == user && owner["version"]!.GetValue<long>() == 0);
    }

    [Fact]
    public async Task A_foreign_checkpoint_file_is_reported_and_kept()
    {
        const string Foreign = """{"at":"2026-01-01T00:00:00Z","count":0,"heads":[],"mac":"00"}""";
        await File.WriteAllTextAsync(CheckpointFile, Foreign);

        await using var service = Start();
        using var client = await service.ClientAsync(Installation.Key);

        (await client.GetAsync(Ready)).MustBe(503);
        await Task.Delay(1500);
        Assert.Equal(Foreign, await File.ReadAllTextAsync(CheckpointFile));
        Assert.Contains($"The checkpoint {CheckpointFile} is of another installation", service.Output, StringComparison.Ordinal);
        var (refused, reason) = await RunAsync("audit", "verify");
        Assert.Equal(1, refused);
        Assert.Contains("is of another installation", reason, StringComparison.Ordinal);
        Assert.Equal(0, (await RunAsync("integrity", "accept", "--database", "--yes")).Code);
        await client.UntilReadyIsAsync(200);
    }

    [Fact]
    public async Task A_tampered_head_gets_no_checkpoint()
    {
        await using var service = Start();
        using var client = await service.ClientAsync(Installation.Key);
        await client.CreateSecretAsync("n");
        await AttackAsync("UPDATE audit_writers SET sequence = sequence + 1");

        (await client.GetAsync("/api/v1/audit/checkpoint")).MustBe(409);
        await UntilTheCheckpointFailsAsync(client);

        // An operator can only accept the state. The audit keeps reporting where it is broken.
        var (code, words) = await RunAsync("integrity", "accept", "--database", "--yes");
        Assert.Equal(0, code);
        Assert.Contains("are gone or not sound", words, StringComparison.Ordinal);
        await client.UntilReadyIsAsync(200);
        (await client.GetAsync("/api/v1/audit/checkpoint")).MustBe(200);
        Assert.NotNull((await client.GetAsync(Verify)).MustBe(200).Json["first_broken"]);
    }

    [Theory]
    [InlineData("UPDATE audit_writers SET anchor_mac = head_mac")]
    [InlineData("UPDATE audit_keys SET writers = writers + 1")]
    public async Task A_chain_cannot_be_hidden_from_checkpoints(string attack)
    {
        await using var service = Start(("Audit__CheckpointSeconds", "3600"));
        using var client = await service.ClientAsync(Installation.Key);
        await client.CreateSecretAsync("n", "some value", "t", "a", isDefault: true);
        await AttackAsync(attack);
        await service.StopAsync();

        await using var next = Start();
        using var @operator = await next.ClientAsync(Installation.Key);
        Assert.Contains("checkpoint", (await @operator.GetAsync(Ready)).MustBe(503).Json["failed"]!.AsArray().Select(name => name!.GetValue<string>()));
    }

    [Fact]
    public async Task A_chain_cannot_be_hidden_behind_an_older_registry()
    {
        await using (var first = Start())
        {
            using var client = await first.ClientAsync(Installation.Key);
            await client.CreateSecretAsync("n");
            await AttackAsync("SELECT * INTO saved_audit_keys FROM audit_keys");
        }

        await using (var second = Start(("Audit__CheckpointSeconds", "3600")))
        {
            using var client = await second.ClientAsync(Installation.Key);
            await client.CreateSecretAsync("m");

            // The registry does not count the new chain any more, and the chain is not sound. The next process makes the numbers contiguous again.
            await AttackAsync(
                "SELECT id INTO hidden FROM audit_writers WHERE number > (SELECT writers FROM saved_audit_keys); "
                + "UPDATE audit_writers SET anchor_mac = head_mac WHERE id IN (SELECT id FROM hidden); "
                + "DELETE FROM audit_keys; INSERT INTO audit_keys SELECT * FROM saved_audit_keys");
        }

        await using var third = Start();
        using var @operator = await third.ClientAsync(Installation.Key);
        await UntilTheCheckpointFailsAsync(@operator);
        Assert.Equal(0, (await RunAsync("integrity", "accept", "--database", "--yes")).Code);
        await @operator.UntilReadyIsAsync(200);

        // Nor can an accepted chain disappear.
        await AttackAsync("DELETE FROM audit_writers WHERE id IN (SELECT id FROM hidden)");
        await UntilTheCheckpointFailsAsync(@operator);
    }

    [Fact]
    public async Task Rows_that_are_removed_while_a_checkpoint_is_made_are_missing_in_the_next()
    {
        Assert.SkipWhen(TestDatabase.IsSqlServer, "The lock that makes the moment certain is PostgreSQL's.");
        await using (var first = Start(("Audit__CheckpointFile", "")))
        {
            using var earlier = await first.ClientAsync(Installation.Key);
            await earlier.CreateSecretAsync("n");
            await AttackAsync("SELECT * INTO saved_audit_writers FROM audit_writers");
            await earlier.CreateSecretAsync("m");
        }

        await using var service = Start();
        using var client = await service.ClientAsync(Installation.Key);
        await UntilFileHasChangedAsync();
        for (var attempt = 0; !await RemoveDuringACheckpointAsync(); attempt++)
        {
            Assert.True(attempt < 20, "no checkpoint waited for the lock");
            await client.CreateSecretAsync($"{attempt}"); // the next checkpoint reads rows only of a chain that has grown
        }

        await UntilTheCheckpointFailsAsync(client);
    }

    [Fact]
    public async Task A_checkpoint_that_fails_for_long_is_reported()
    {
        await using var service = Start(("Audit__CheckpointFile", Path.Combine(_folder, "none", "checkpoint.json")));
        using var client = await service.ClientAsync(Installation.Key);
        await UntilTheCheckpointFailsAsync(client, seconds: 30);
        Assert.Contains("cannot be read or written", service.Output, StringComparison.Ordinal);
        Directory.CreateDirectory(Path.Combine(_folder, "none"));
        await client.UntilReadyIsAsync(200);
    }

    private static string Saving => string.Join("; ", Audit.Select(table => $"SELECT * INTO saved_{table} FROM {table}")) + TestDatabase.WithoutComputed("saved_audit");

    private static string SettingBack => string.Join("; ", Audit.Select(table => $"DELETE FROM {table}; INSERT INTO {table} SELECT * FROM saved_{table}"));

    private ServiceInProcess Start(params (string Name, string? Value)[] settings) => _installation.StartHere(null, Among(settings));

    private (string Name, string? Value)[] Among((string Name, string? Value)[] settings) =>
        [("Audit__CheckpointFile", CheckpointFile), ("Audit__CheckpointSeconds", "1"), .. settings];

    private Task AttackAsync(string sql) => TestDatabase.RunAsync(_installation.ConnectionString, TestDatabase.Own(sql), [], command => command.ExecuteNonQueryAsync());

    /// <summary>Sets the chains of an ended process back while a checkpoint waits for the audit. Returns false if none waits within three seconds.</summary>
    private async Task<bool> RemoveDuringACheckpointAsync()
    {
        await using var connection = new NpgsqlConnection(_installation.ConnectionString);
        await connection.OpenAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        await RunAsync("LOCK TABLE audit IN ACCESS EXCLUSIVE MODE");
        for (var waited = 0; waited < 60; waited++)
        {
            await RunAsync("SELECT pg_stat_clear_snapshot()"); // a transaction sees the activity as it first read it
            await using var command = connection.CreateCommand();
            command.CommandText = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE 'SELECT a.hash%'";
            if ((long)(await command.ExecuteScalarAsync())! > 0)
            {
                await RunAsync("DELETE FROM audit a USING saved_audit_writers s WHERE a.writer = s.id AND a.sequence > s.sequence");
                await RunAsync("UPDATE audit_writers w SET sequence = s.sequence, hash = s.hash, head_mac = s.head_mac FROM saved_audit_writers s WHERE w.id = s.id");
                await transaction.CommitAsync();
                return true;
            }

            await Task.Delay(50);
        }

        return false;

        async Task RunAsync(string sql)
        {
            await using var command = connection.CreateCommand();
            command.CommandText = sql;
            await command.ExecuteNonQueryAsync();
        }
    }

    private async Task<(int Code, string Output)> RunAsync(params string[] arguments)
    {
        await using var process = _installation.RunHere([.. arguments, $"--Audit:CheckpointFile={CheckpointFile}"]);
        return (await process.ExitCodeAsync(), process.Output);
    }

    private async Task<string> UntilFileHasChangedAsync()
    {
        var before = File.Exists(CheckpointFile) ? await File.ReadAllTextAsync(CheckpointFile) : "";
        for (var attempt = 0; attempt < 100; attempt++)
        {
            await Task.Delay(100);
            if (File.Exists(CheckpointFile) && await File.ReadAllTextAsync(CheckpointFile) is var now && now != before)
            {
                return now;
            }
        }

        throw new TimeoutException("No checkpoint was written in 10 s.");
    }

    /// <summary>Waits for the checkpoint check. Other checks can fail first: the first row behind a changed head fails too.</summary>
    private static Task UntilTheCheckpointFailsAsync(ApiClient client, int seconds = 10) => client.UntilReadyAsync(
        ready => ready.Status == 503 && ready.Json["failed"]!.AsArray().Any(name => name!.GetValue<string>() == "checkpoint"), "the checkpoint fails", seconds);
}
