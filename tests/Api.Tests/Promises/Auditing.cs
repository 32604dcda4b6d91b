using System.Text.Json.Nodes;
using Secrets.TestKit;

namespace Secrets.Api.Tests.Promises;

/// <summary>Promise 3: every operation has its audit row, and each changed or missing row is noticed.</summary>
public sealed class Auditing(Auditing.OwnServer own) : IClassFixture<Auditing.OwnServer>
{
    private const string Path = "/api/v1/secrets";

    private static readonly Sql AnyWriter = Sql.Of(
        "SELECT writer FROM audit GROUP BY writer HAVING count(*) >= 4 ORDER BY writer LIMIT 1",
        "SELECT TOP (1) writer FROM audit GROUP BY writer HAVING count(*) >= 4 ORDER BY writer");

    private readonly ApiServer _server = own.Server;

    [Fact]
    public async Task The_first_broken_row_is_named()
    {
        await own.FillAsync();
        var writer = await _server.ScalarAsync<Guid>(AnyWriter);

        // Edits the last two rows: retention may have removed the oldest rows of an existing chain.
        var last = await _server.ScalarAsync<long>("SELECT max(sequence) FROM audit WHERE writer = @writer", ("writer", writer));
        await _server.ExecuteSqlAsync("UPDATE audit SET address = CONCAT(address, '0') WHERE writer = @writer AND sequence IN (@last - 1, @last)", ("writer", writer), ("last", last));

        var found = await own.VerifyAsync();

        Assert.Equal($$"""{"writer":"{{writer}}","sequence":{{last - 1}}}""", found["first_broken"]!.ToJsonString());
        Assert.Equal(await _server.ScalarAsync<long>("SELECT CAST(count(*) AS bigint) FROM audit"), found["checked"]!.GetValue<long>());
        await _server.ExecuteSqlAsync(RemoveLastCharacter("writer = @writer AND sequence IN (@last - 1, @last)"), ("writer", writer), ("last", last));
        await own.MustVerifyAsync();
    }

    [Fact]
    public async Task A_writer_notices_that_its_chain_and_head_were_set_back()
    {
        // Rows and heads of an earlier moment verify. Only the writer knows that they are old, and then begins another chain.
        // This test removes audit rows, so the audit of the shared server would never verify again.
        await using var apart = new OwnServer();
        await apart.InitializeAsync();
        await apart.FillAsync();
        using var earlier = await apart.Server.NewUserAsync();
        using var user = await apart.Server.NewUserAsync();
        await apart.Server.ExecuteSqlAsync(Sql.Of("CREATE TABLE kept_writers AS TABLE audit_writers", "SELECT * INTO kept_writers FROM audit_writers"));
        await earlier.CreateSecretAsync("first"); // this owner's account will not be in the audit any more
        await apart.Server.ExecuteSqlAsync(
            """
            DELETE FROM audit WHERE EXISTS (SELECT 1 FROM kept_writers k WHERE audit.writer = k.id AND audit.sequence > k.sequence);
            DELETE FROM audit_writers; INSERT INTO audit_writers SELECT * FROM kept_writers; DROP TABLE kept_writers
            """);

        var statuses = new List<int>();
        for (var at = 0; at < 20; at++)
        {
            statuses.Add((await user.PostAsync(Path, Body($"secret {at}"))).Status);
        }

        Assert.Contains(503, statuses);
        Assert.Equal(200, statuses[^1]);
        Assert.Contains(apart.Server.Log.Lines, line => line.Contains("does not end at", StringComparison.Ordinal));
        Assert.Equal(statuses.Count(status => status == 200), await apart.Server.ScalarAsync<long>(
            "SELECT CAST(count(*) AS bigint) FROM secrets WHERE owner_id = @id AND name LIKE 'secret %'", ("id", user.UserId.ToString())));
    }

    [Fact]
    public async Task A_rolled_back_write_ends_no_chain()
    {
        // A create tries to write its secret and its audit row together. Forty conflicts make retries likely.
        using var user = await _server.NewUserAsync();
        await user.CreateSecretAsync("taken");
        var chains = await ChainsAsync();

        for (var at = 0; at < 40; at++)
        {
            (await user.PostAsync(Path, Body("taken"))).MustBe(409);
        }

        await user.CreateSecretAsync("free");
        Assert.Equal(chains, await ChainsAsync());
        await own.MustVerifyAsync();

        Task<long> ChainsAsync() => _server.ScalarAsync<long>("SELECT CAST(count(*) AS bigint) FROM audit_writers");
    }

    public static TheoryData<string, string> Destruction => TestDatabase.IsSqlServer
        ? new()
        {
            { "EXEC sp_rename N'audit', N'lost', N'OBJECT'", "EXEC sp_rename N'lost', N'audit', N'OBJECT'" },
            { "EXEC sp_rename N'audit_writers', N'lost', N'OBJECT'", "EXEC sp_rename N'lost', N'audit_writers', N'OBJECT'" },
            { "CREATE TRIGGER never ON audit AFTER INSERT AS THROW 50000, N'never', 1", "DROP TRIGGER never" },
        }
        : new()
        {
            { "ALTER TABLE audit RENAME TO lost", "ALTER TABLE lost RENAME TO audit" },
            { "ALTER TABLE audit_writers RENAME TO lost", "ALTER TABLE lost RENAME TO audit_writers" },
            { "ALTER TABLE audit ADD CONSTRAINT never CHECK (false) NOT VALID", "ALTER TABLE audit DROP CONSTRAINT never" },
        };

    [Theory]
    [MemberData(nameof(Destruction))]
    public async Task Without_an_audit_nothing_is_changed_and_the_service_is_not_ready(string destroy, string repair)
    {
        using var user = await _server.NewUserAsync("secrets:read", "secrets:write", "secrets:resolve", "keys:manage");
        using var nobody = _server.Anonymous();
        var id = await user.CreateSecretAsync("kept", "a value that stays", "before", "arg", isDefault: true);
        await _server.ExecuteSqlAsync(TestDatabase.Own(destroy));
        try
        {
            (await user.PostAsync(Path, Body("refused"))).MustBe(503);
            (await user.PatchAsync($"{Path}/{id}", new JsonObject { ["tool_name"] = "after" })).MustBe(503);
            (await user.DeleteAsync($"{Path}/{id}")).MustBe(503);
            (await user.PostAsync("/api/v1/api-keys", new JsonObject { ["name"] = "k", ["scopes"] = new JsonArray("secrets:read") })).MustBe(503);
            (await user.GetAsync($"{Path}/{Guid.NewGuid()}")).MustBe(503);
            (await user.AskAsync($"{Path}/resolve", new JsonObject { ["tool_name"] = "before" })).MustBe(503).MustNotRepeat("a value that stays");
            var all = await Task.WhenAll(Enumerable.Range(0, 40).Select(at => user.PostAsync(Path, Body($"refused {at}"))));
            Assert.All(all, answer => answer.MustBe(503));
            (await nobody.GetAsync("/health/ready")).MustBe(503);
            (await nobody.GetAsync("/health/live")).MustBe(200);
        }
        finally
        {
            await _server.ExecuteSqlAsync(TestDatabase.Own(repair));
        }

        var list = (await user.GetAsync(Path)).MustBe(200).Json["data"]!.AsArray();
        Assert.Equal("before", Assert.Single(list)!["tool_name"]!.GetValue<string>());
        Assert.Single((await user.GetAsync("/api/v1/api-keys")).MustBe(200).Json["data"]!.AsArray());
        (await nobody.GetAsync("/health/ready")).MustBe(200);
        (await user.PatchAsync($"{Path}/{id}", new JsonObject { ["tool_name"] = "after" })).MustBe(200);
        await own.MustVerifyAsync();
    }

    [Fact]
    public async Task The_health_check_of_the_audit_leaves_no_row()
    {
        using var nobody = _server.Anonymous();
        (await nobody.GetAsync("/health/ready")).MustBe(200);
        var before = await _server.ScalarAsync<long>("SELECT CAST(count(*) AS bigint) FROM audit");

        await Task.WhenAll(Enumerable.Range(0, 20).Select(async _ => (await nobody.GetAsync("/health/ready")).MustBe(200)));

        Assert.Equal(before, await _server.ScalarAsync<long>("SELECT CAST(count(*) AS bigint) FROM audit"));
        await own.MustVerifyAsync();
    }

    public static TheoryData<string, string> WhatReadinessWrites => new()
    {
        { "LOCK TABLE audit IN EXCLUSIVE MODE", "SELECT count(*) FROM audit WITH (TABLOCKX, HOLDLOCK)" },
        { "LOCK TABLE root_keys IN EXCLUSIVE MODE", "SELECT count(*) FROM root_keys WITH (TABLOCKX, HOLDLOCK)" },
    };

    [Theory]
    [MemberData(nameof(WhatReadinessWrites))]
    public async Task Waiting_readiness_requests_delay_no_other_request(string onPostgres, string onSqlServer)
    {
        await TestDatabase.SkipOnBabelfishAsync("ignores lock hints.");

        // More than the pool has connections.
        const int Askers = 200;
        using var user = await _server.NewUserAsync();
        using var nobody = _server.Anonymous();
        (await user.GetAsync(Path)).MustBe(200);
        await using (await _server.HoldAsync(Sql.Of(onPostgres, onSqlServer)))
        {
            var asked = Task.WhenAll(Enumerable.Range(0, Askers).Select(_ => nobody.GetAsync("/health/ready")));
            await Task.Delay(1_000, TestContext.Current.CancellationToken);

            for (var at = 0; at < 10; at++)
            {
                (await user.GetAsync(Path)).MustBe(200);
            }

            Assert.False(asked.IsCompleted);
            Assert.All(await asked, answer => answer.MustBe(503));
            for (var at = 0; at < 10; at++)
            {
                (await user.GetAsync(Path)).MustBe(200);
            }
        }

        (await user.PostAsync(Path, Body("afterwards"))).MustBe(200);
        (await nobody.GetAsync("/health/ready")).MustBe(200);
    }

    [Fact]
    public async Task Fifty_concurrent_writes_are_each_audited_once_and_growing_chains_verify()
    {
        var users = await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => _server.NewUserAsync()));
        var checks = Task.Run(async () =>
        {
            for (var at = 0; at < 10; at++)
            {
                await own.MustVerifyAsync();
            }
        });

        var ids = await Task.WhenAll(users.Select(async user =>
        {
            var id = await user.CreateSecretAsync("one");
            (await user.PatchAsync($"{Path}/{id}", new JsonObject { ["tool_arg"] = "a" })).MustBe(200);
            (await user.GetAsync($"{Path}/{Guid.NewGuid()}")).MustBe(404);
            (await user.DeleteAsync($"{Path}/{id}")).MustBe(200);
            return id;
        }));
        await checks;

        Assert.Equal(200, await SumAsync("SELECT CAST(count(*) AS bigint) FROM audit WHERE actor = @id", users.Select(user => user.UserId)));
        Assert.Equal(150, await SumAsync("SELECT CAST(count(DISTINCT action) AS bigint) FROM audit WHERE secret_id = @id", ids));
        Assert.Equal(0, await _server.ScalarAsync<long>(
            "SELECT CAST(count(*) AS bigint) FROM (SELECT writer FROM audit GROUP BY writer HAVING max(sequence) - min(sequence) + 1 <> count(*)) gaps"));
        await own.MustVerifyAsync();
        foreach (var user in users)
        {
            user.Dispose();
        }
    }

    [Fact]
    public async Task Retention_removes_old_rows_and_the_rest_still_verifies()
    {
        await own.FillAsync();
        await Task.Delay(5, TestContext.Current.CancellationToken);
        var moment = DateTimeOffset.UtcNow;
        await own.FillAsync();
        var young = await _server.ScalarAsync<long>("SELECT CAST(count(*) AS bigint) FROM audit WHERE at >= @moment", ("moment", moment));

        await Task.WhenAll(_server.RemoveAuditAsync(moment), _server.RemoveAuditAsync(moment), own.FillAsync());

        Assert.Equal(0, await _server.ScalarAsync<long>("SELECT CAST(count(*) AS bigint) FROM audit WHERE at < @moment", ("moment", moment)));
        Assert.True(await _server.ScalarAsync<long>("SELECT CAST(count(*) AS bigint) FROM audit") > young);
        await own.MustVerifyAsync();
        await _server.RemoveAuditAsync(DateTimeOffset.UtcNow.AddDays(1));
        Assert.Equal(0, await _server.ScalarAsync<long>("SELECT CAST(count(*) AS bigint) FROM audit WHERE action <> 52")); // 52: versions of accounts
        await own.MustVerifyAsync();
        await own.FillAsync();
        await own.MustVerifyAsync();
    }

    [Fact]
    public async Task Retention_keeps_tampered_chains()
    {
        await own.FillAsync();
        var writer = await _server.ScalarAsync<Guid>(AnyWriter);
        var first = await _server.ScalarAsync<long>("SELECT min(sequence) - 1 FROM audit WHERE writer = @writer AND address IS NOT NULL", ("writer", writer));
        await _server.ExecuteSqlAsync(
            "UPDATE audit SET address = CONCAT(address, '0') WHERE writer = @writer AND sequence = @at", ("writer", writer), ("at", first + 1));

        await _server.RemoveAuditAsync(DateTimeOffset.UtcNow.AddDays(1));

        var found = await own.VerifyAsync();
        Assert.Equal($$"""{"writer":"{{writer}}","sequence":{{first + 1}}}""", found["first_broken"]!.ToJsonString());
        Assert.Contains(_server.Log.Lines, line => line.Contains("Retention removes none of its rows", StringComparison.Ordinal));
        await _server.ExecuteSqlAsync(RemoveLastCharacter("writer = @writer AND sequence = @at"), ("writer", writer), ("at", first + 1));
        await own.MustVerifyAsync();
    }

    private async Task<long> SumAsync(string sql, IEnumerable<Guid> ids)
    {
        var count = 0L;
        foreach (var id in ids)
        {
            count += await _server.ScalarAsync<long>(sql, ("id", id));
        }

        return count;
    }

    private static Sql RemoveLastCharacter(string condition) => Sql.Of(
        $"UPDATE audit SET address = left(address, -1) WHERE {condition}", $"UPDATE audit SET address = LEFT(address, LEN(address) - 1) WHERE {condition}");

    private static JsonObject Body(string name) => new() { ["secret_name"] = name, ["secret_value"] = "some value" };

    /// <summary>Not shared with other classes, because nothing else may write while a test damages the tables.</summary>
    public sealed class OwnServer : IAsyncLifetime
    {
        public ApiServer Server { get; } = new();

        public ValueTask InitializeAsync() => Server.InitializeAsync();

        public ValueTask DisposeAsync() => Server.DisposeAsync();

        /// <summary>Writes rows until at least one chain has four.</summary>
        public async Task FillAsync()
        {
            using var user = await Server.NewUserAsync();
            await Task.WhenAll(Enumerable.Range(0, 4).Select(at => user.CreateSecretAsync($"at once {at}")));
            for (var at = 0; at < 4; at++)
            {
                var id = await user.CreateSecretAsync($"secret {at}", toolName: "tool", toolArg: "arg");
                (await user.PatchAsync($"{Path}/{id}", new JsonObject { ["tool_arg"] = "other" })).MustBe(200);
            }
        }

        public async Task MustVerifyAsync()
        {
            var found = await VerifyAsync();
            Assert.True(found["ok"]!.GetValue<bool>(), found.ToJsonString());
        }

        public async Task<JsonNode> VerifyAsync()
        {
            using var @operator = Server.Operator();
            return (await @operator.GetAsync("/api/v1/audit/verify")).MustBe(200).Json;
        }
    }
}
