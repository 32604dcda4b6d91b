using System.Text.Json.Nodes;
using Secrets.TestKit;

namespace Secrets.Api.Tests.Promises;

/// <summary>Promise 3: nothing happens without its row in the audit, and no row is changed or lost unnoticed.</summary>
public sealed class Auditing(Auditing.OwnServer own) : IClassFixture<Auditing.OwnServer>
{
    private const string Path = "/api/v1/secrets";
    private const string VerifyPath = "/api/v1/audit/verify";

    private static readonly Sql AnyWriter = Sql.Of(
        "SELECT writer FROM audit GROUP BY writer HAVING count(*) >= 4 ORDER BY writer LIMIT 1",
        "SELECT TOP (1) writer FROM audit GROUP BY writer HAVING count(*) >= 4 ORDER BY writer");

    private readonly ApiServer _server = own.Server;

    /// <summary>What somebody may do to the tables. <c>'w'</c> is a writer with at least four rows.</summary>
    public static TheoryData<string> Tampering => TestDatabase.IsSqlServer ? TamperingInTSql : TamperingInPostgres;

    /// <summary>The same in T-SQL, but for what its types do not hold: infinite moments, and hashes of another length.</summary>
    public static TheoryData<string> TamperingInTSql => new(
        "UPDATE audit SET at = DATEADD(microsecond, 1, at) WHERE writer = 'w' AND sequence = 2",
        "UPDATE audit SET actor = CAST(NEWID() AS binary(16)) WHERE writer = 'w' AND sequence = 2",
        "UPDATE audit SET action = action + 1 WHERE writer = 'w' AND sequence = 2",
        "UPDATE audit SET action = action + 256 WHERE writer = 'w' AND sequence = 2",
        "UPDATE audit SET outcome = outcome + 1 WHERE writer = 'w' AND sequence = 2",
        "UPDATE audit SET owner_kind = 2 WHERE writer = 'w' AND sequence = 2",
        "UPDATE audit SET owner_kind = 257 WHERE writer = 'w' AND sequence = 2",
        "UPDATE audit SET owner_kind = NULL WHERE writer = 'w' AND sequence = 2",
        "UPDATE audit SET owner_id = owner_id + 0x78 WHERE writer = 'w' AND sequence = 2",
        "UPDATE audit SET owner_id = NULL WHERE writer = 'w' AND sequence = 2",
        "UPDATE audit SET secret_id = CAST(NEWID() AS binary(16)) WHERE writer = 'w' AND sequence = 2",
        "UPDATE audit SET secret_id = NULL WHERE writer = 'w' AND sequence = 2",
        "UPDATE audit SET secret_version = secret_version + 1 WHERE writer = 'w' AND sequence = 2",
        "UPDATE audit SET key_id = CAST(NEWID() AS binary(16)) WHERE writer = 'w' AND sequence = 2",
        "UPDATE audit SET tool_name = '' WHERE writer = 'w' AND sequence = 2",
        "UPDATE audit SET tool_arg = '' WHERE writer = 'w' AND sequence = 2",
        "UPDATE audit SET address = '::1' WHERE writer = 'w' AND sequence = 2",
        "UPDATE audit SET address = NULL WHERE writer = 'w' AND sequence = 2",
        "UPDATE audit SET request_id = request_id + N' ' WHERE writer = 'w' AND sequence = 2",
        "UPDATE audit SET hash = CAST(STUFF(hash, 32, 1, CAST(SUBSTRING(hash, 32, 1) ^ 1 AS binary(1))) AS binary(32)) WHERE writer = 'w' AND sequence = 2",
        "UPDATE audit SET hash = 0x WHERE writer = 'w' AND sequence = 2",
        "UPDATE audit SET sequence = sequence + 1000000 WHERE writer = 'w' AND sequence = 2",
        "DELETE FROM audit WHERE writer = 'w' AND sequence = 1",
        "DELETE FROM audit WHERE writer = 'w' AND sequence = 2",
        "DELETE FROM audit WHERE writer = 'w' AND sequence = (SELECT max(sequence) FROM audit WHERE writer = 'w')",
        "DELETE FROM audit WHERE writer = 'w' AND sequence > 1",
        "DELETE FROM audit WHERE writer = 'w'",
        "DELETE FROM audit",
        "DELETE FROM audit WHERE writer = 'w' AND sequence = 1; UPDATE audit SET sequence = -sequence WHERE writer = 'w'; UPDATE audit SET sequence = -sequence - 1 WHERE writer = 'w'",
        "INSERT INTO audit SELECT writer, (SELECT max(sequence) + 1 FROM audit WHERE writer = 'w'), at, actor, action, outcome, owner_kind, owner_id, secret_id, secret_version, key_id, tool_name, tool_arg, address, request_id, hash FROM audit WHERE writer = 'w' AND sequence = 2",
        "INSERT INTO audit SELECT CAST(NEWID() AS binary(16)), 1, at, actor, action, outcome, owner_kind, owner_id, secret_id, secret_version, key_id, tool_name, tool_arg, address, request_id, hash FROM audit WHERE writer = 'w' AND sequence = 1",
        "UPDATE audit SET sequence = -sequence WHERE writer = 'w' AND sequence IN (2, 3); UPDATE audit SET sequence = 5 + sequence WHERE writer = 'w' AND sequence < 0",
        "UPDATE audit SET writer = CAST(NEWID() AS binary(16)) WHERE writer = 'w'",
        "UPDATE audit_writers SET sequence = sequence - 1 WHERE id = 'w'",
        "UPDATE audit_writers SET hash = CAST(STUFF(hash, 1, 1, CAST(SUBSTRING(hash, 1, 1) ^ 1 AS binary(1))) AS binary(32)) WHERE id = 'w'",
        "UPDATE audit_writers SET head_mac = CAST(STUFF(head_mac, 1, 1, CAST(SUBSTRING(head_mac, 1, 1) ^ 1 AS binary(1))) AS binary(32)) WHERE id = 'w'",
        "UPDATE audit_writers SET anchor_mac = CAST(STUFF(anchor_mac, 1, 1, CAST(SUBSTRING(anchor_mac, 1, 1) ^ 1 AS binary(1))) AS binary(32)) WHERE id = 'w'",
        "DELETE FROM audit WHERE writer = 'w' AND sequence = 1; UPDATE audit_writers SET anchor_sequence = 1 WHERE id = 'w'",
        "UPDATE audit_writers SET number = number + 100 WHERE id = 'w'",
        "DELETE FROM audit WHERE writer = 'w' AND sequence = (SELECT max(sequence) FROM audit WHERE writer = 'w'); UPDATE audit_writers SET sequence = sequence - 1, hash = (SELECT TOP (1) hash FROM audit WHERE writer = 'w' ORDER BY sequence DESC) WHERE id = 'w'",
        "DELETE FROM audit WHERE writer = 'w'; DELETE FROM audit_writers WHERE id = 'w'",
        "DELETE FROM audit WHERE writer = 'w'; DELETE FROM audit_writers WHERE id = 'w'; UPDATE audit_writers SET number = number - 1 WHERE number > 1; UPDATE audit_keys SET writers = writers - 1",
        "UPDATE audit_keys SET writers = writers + 1",
        "DELETE FROM audit; DELETE FROM audit_writers; UPDATE audit_keys SET writers = 0",
        "DELETE FROM audit; DELETE FROM audit_writers; DELETE FROM audit_keys");

    private static TheoryData<string> TamperingInPostgres => new(
        "UPDATE audit SET at = at + interval '1 microsecond' WHERE writer = 'w' AND sequence = 2",
        "UPDATE audit SET at = '4000-01-01 BC' WHERE writer = 'w' AND sequence = 2",
        "UPDATE audit SET at = 'infinity' WHERE writer = 'w' AND sequence = 2",
        "UPDATE audit SET actor = gen_random_uuid() WHERE writer = 'w' AND sequence = 2",
        "UPDATE audit SET action = action + 1 WHERE writer = 'w' AND sequence = 2",
        "UPDATE audit SET action = action + 256 WHERE writer = 'w' AND sequence = 2",
        "UPDATE audit SET outcome = outcome + 1 WHERE writer = 'w' AND sequence = 2",
        "UPDATE audit SET owner_kind = 2 WHERE writer = 'w' AND sequence = 2",
        "UPDATE audit SET owner_kind = 257 WHERE writer = 'w' AND sequence = 2",
        "UPDATE audit SET owner_kind = NULL WHERE writer = 'w' AND sequence = 2",
        "UPDATE audit SET owner_id = owner_id || 'x' WHERE writer = 'w' AND sequence = 2",
        "UPDATE audit SET owner_id = NULL WHERE writer = 'w' AND sequence = 2",
        "UPDATE audit SET secret_id = gen_random_uuid() WHERE writer = 'w' AND sequence = 2",
        "UPDATE audit SET secret_id = NULL WHERE writer = 'w' AND sequence = 2",
        "UPDATE audit SET secret_version = secret_version + 1 WHERE writer = 'w' AND sequence = 2",
        "UPDATE audit SET key_id = gen_random_uuid() WHERE writer = 'w' AND sequence = 2",
        "UPDATE audit SET tool_name = '' WHERE writer = 'w' AND sequence = 2",
        "UPDATE audit SET tool_arg = '' WHERE writer = 'w' AND sequence = 2",
        "UPDATE audit SET address = '::1' WHERE writer = 'w' AND sequence = 2",
        "UPDATE audit SET address = NULL WHERE writer = 'w' AND sequence = 2",
        "UPDATE audit SET request_id = request_id || ' ' WHERE writer = 'w' AND sequence = 2",
        "UPDATE audit SET hash = set_byte(hash, 31, get_byte(hash, 31) # 1) WHERE writer = 'w' AND sequence = 2",
        "UPDATE audit SET hash = ''::bytea WHERE writer = 'w' AND sequence = 2",
        "UPDATE audit SET hash = decode(repeat('00', 100000), 'hex') WHERE writer = 'w' AND sequence = 2",
        "UPDATE audit SET sequence = sequence + 1000000 WHERE writer = 'w' AND sequence = 2",
        "DELETE FROM audit WHERE writer = 'w' AND sequence = 1",
        "DELETE FROM audit WHERE writer = 'w' AND sequence = 2",
        "DELETE FROM audit WHERE writer = 'w' AND sequence = (SELECT max(sequence) FROM audit WHERE writer = 'w')",
        "DELETE FROM audit WHERE writer = 'w' AND sequence > 1",
        "DELETE FROM audit WHERE writer = 'w'",
        "DELETE FROM audit",
        "DELETE FROM audit WHERE writer = 'w' AND sequence = 1; UPDATE audit SET sequence = -sequence WHERE writer = 'w'; UPDATE audit SET sequence = -sequence - 1 WHERE writer = 'w'",
        "INSERT INTO audit SELECT writer, (SELECT max(sequence) + 1 FROM audit WHERE writer = 'w'), at, actor, action, outcome, owner_kind, owner_id, secret_id, secret_version, key_id, tool_name, tool_arg, address, request_id, hash FROM audit WHERE writer = 'w' AND sequence = 2",
        "INSERT INTO audit SELECT gen_random_uuid(), 1, at, actor, action, outcome, owner_kind, owner_id, secret_id, secret_version, key_id, tool_name, tool_arg, address, request_id, hash FROM audit WHERE writer = 'w' AND sequence = 1",
        "UPDATE audit SET sequence = -sequence WHERE writer = 'w' AND sequence IN (2, 3); UPDATE audit SET sequence = 5 + sequence WHERE writer = 'w' AND sequence < 0",
        "UPDATE audit SET writer = gen_random_uuid() WHERE writer = 'w'",
        "UPDATE audit_writers SET sequence = sequence - 1 WHERE id = 'w'",
        "UPDATE audit_writers SET hash = set_byte(hash, 0, get_byte(hash, 0) # 1) WHERE id = 'w'",
        "UPDATE audit_writers SET hash = decode(repeat('00', 100000), 'hex') WHERE id = 'w'",
        "UPDATE audit_writers SET head_mac = set_byte(head_mac, 0, get_byte(head_mac, 0) # 1) WHERE id = 'w'",
        "UPDATE audit_writers SET anchor_mac = set_byte(anchor_mac, 0, get_byte(anchor_mac, 0) # 1) WHERE id = 'w'",
        "DELETE FROM audit WHERE writer = 'w' AND sequence = 1; UPDATE audit_writers SET anchor_sequence = 1 WHERE id = 'w'",
        "UPDATE audit_writers SET number = number + 100 WHERE id = 'w'",
        "DELETE FROM audit WHERE writer = 'w' AND sequence = (SELECT max(sequence) FROM audit WHERE writer = 'w'); UPDATE audit_writers SET sequence = sequence - 1, hash = (SELECT hash FROM audit WHERE writer = 'w' ORDER BY sequence DESC LIMIT 1) WHERE id = 'w'",
        "DELETE FROM audit WHERE writer = 'w'; DELETE FROM audit_writers WHERE id = 'w'",
        "DELETE FROM audit WHERE writer = 'w'; DELETE FROM audit_writers WHERE id = 'w'; UPDATE audit_writers SET number = number - 1 WHERE number > 1; UPDATE audit_keys SET writers = writers - 1",
        "UPDATE audit_keys SET writers = writers + 1",
        "DELETE FROM audit; DELETE FROM audit_writers; UPDATE audit_keys SET writers = 0",
        "DELETE FROM audit; DELETE FROM audit_writers; DELETE FROM audit_keys");

    [Theory]
    [MemberData(nameof(Tampering))]
    public async Task What_is_done_to_the_tables_is_found(string sql)
    {
        await FillAsync();
        Assert.True((await VerifyAsync())["ok"]!.GetValue<bool>());
        var writer = await _server.ScalarAsync<Guid>(AnyWriter);
        await _server.ExecuteSqlAsync(Sql.Of(
            "CREATE TABLE kept_audit AS TABLE audit; CREATE TABLE kept_writers AS TABLE audit_writers; CREATE TABLE kept_keys AS TABLE audit_keys",
            "SELECT * INTO kept_audit FROM audit; SELECT * INTO kept_writers FROM audit_writers; SELECT * INTO kept_keys FROM audit_keys"));
        try
        {
            var literal = TestDatabase.IsSqlServer ? $"0x{writer:N}" : $"'{writer}'";
            Assert.True(await _server.ExecuteSqlAsync(TestDatabase.Own(sql.Replace("'w'", literal, StringComparison.Ordinal))) > 0);

            var found = await VerifyAsync();

            Assert.False(found["ok"]!.GetValue<bool>(), found.ToJsonString());
            Assert.NotNull(found["first_broken"]!["writer"]);
            Assert.NotNull(found["first_broken"]!["sequence"]);
        }
        finally
        {
            await _server.ExecuteSqlAsync(
                """
                DELETE FROM audit; DELETE FROM audit_writers; DELETE FROM audit_keys;
                INSERT INTO audit SELECT * FROM kept_audit; INSERT INTO audit_writers SELECT * FROM kept_writers; INSERT INTO audit_keys SELECT * FROM kept_keys;
                DROP TABLE kept_audit; DROP TABLE kept_writers; DROP TABLE kept_keys
                """);
        }

        Assert.True((await VerifyAsync())["ok"]!.GetValue<bool>());
    }

    [Theory]
    [MemberData(nameof(TamperingInTSql))]
    public void What_is_done_on_SqlServer_is_T_SQL(string sql) => TSql.Check(sql);

    [Fact]
    public async Task The_first_broken_row_is_named()
    {
        await FillAsync();
        var writer = await _server.ScalarAsync<Guid>(AnyWriter);

        // The last ones: of a chain that was there before, the oldest may have been removed by retention.
        var last = await _server.ScalarAsync<long>("SELECT max(sequence) FROM audit WHERE writer = @writer", ("writer", writer));
        await _server.ExecuteSqlAsync("UPDATE audit SET address = CONCAT(address, '0') WHERE writer = @writer AND sequence IN (@last - 1, @last)", ("writer", writer), ("last", last));

        var found = await VerifyAsync();

        Assert.Equal($$"""{"writer":"{{writer}}","sequence":{{last - 1}}}""", found["first_broken"]!.ToJsonString());
        Assert.Equal(await _server.ScalarAsync<long>("SELECT CAST(count(*) AS bigint) FROM audit"), found["checked"]!.GetValue<long>());
        await _server.ExecuteSqlAsync(WithoutTheLast("writer = @writer AND sequence IN (@last - 1, @last)"), ("writer", writer), ("last", last));
        Assert.True((await VerifyAsync())["ok"]!.GetValue<bool>());
    }

    [Fact]
    public async Task A_chain_that_was_cut_and_its_head_moved_back_with_it_is_noticed_by_its_writer()
    {
        // What was stored at an earlier moment verifies; that it is old only the writer knows, who then begins another chain.
        await FillAsync();
        await _server.ExecuteSqlAsync(Sql.Of("CREATE TABLE kept_writers AS TABLE audit_writers", "SELECT * INTO kept_writers FROM audit_writers"));
        using var user = await _server.NewUserAsync();
        await user.CreateSecretAsync("first");
        await _server.ExecuteSqlAsync(
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
        Assert.Contains(_server.Log.Lines, line => line.Contains("does not end at", StringComparison.Ordinal));
        Assert.Equal(statuses.Count(status => status == 200), await _server.ScalarAsync<long>(
            "SELECT CAST(count(*) AS bigint) FROM secrets WHERE owner_id = @id AND name LIKE 'secret %'", ("id", user.UserId.ToString())));
    }

    public static TheoryData<string, string> Destruction => TestDatabase.IsSqlServer
        ? new()
        {
            { "EXEC sp_rename N'audit', N'lost'", "EXEC sp_rename N'lost', N'audit'" },
            { "EXEC sp_rename N'audit_writers', N'lost'", "EXEC sp_rename N'lost', N'audit_writers'" },
            { "ALTER TABLE audit WITH NOCHECK ADD CONSTRAINT never CHECK (1 = 0)", "ALTER TABLE audit DROP CONSTRAINT never" },
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
            (await user.PostAsync($"{Path}/resolve", new JsonObject { ["tool_name"] = "before" })).MustBe(503).MustNotRepeat("a value that stays");
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
        Assert.True((await VerifyAsync())["ok"]!.GetValue<bool>());
    }

    [Fact]
    public async Task Looking_whether_the_audit_works_leaves_nothing_in_it()
    {
        using var nobody = _server.Anonymous();
        (await nobody.GetAsync("/health/ready")).MustBe(200);
        var before = await _server.ScalarAsync<long>("SELECT CAST(count(*) AS bigint) FROM audit");

        await Task.WhenAll(Enumerable.Range(0, 20).Select(async _ => (await nobody.GetAsync("/health/ready")).MustBe(200)));

        Assert.Equal(before, await _server.ScalarAsync<long>("SELECT CAST(count(*) AS bigint) FROM audit"));
        Assert.True((await VerifyAsync())["ok"]!.GetValue<bool>());
    }

    [Fact]
    public async Task Fifty_at_once_are_all_written_once_and_the_chains_verify_while_they_grow()
    {
        var users = await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => _server.NewUserAsync()));
        var checks = Task.Run(async () =>
        {
            for (var at = 0; at < 10; at++)
            {
                Assert.True((await VerifyAsync())["ok"]!.GetValue<bool>());
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

        Assert.Equal(200, await CountOfEachAsync("SELECT CAST(count(*) AS bigint) FROM audit WHERE actor = @id", users.Select(user => user.UserId)));
        Assert.Equal(150, await CountOfEachAsync("SELECT CAST(count(DISTINCT action) AS bigint) FROM audit WHERE secret_id = @id", ids));
        Assert.Equal(0, await _server.ScalarAsync<long>(
            "SELECT CAST(count(*) AS bigint) FROM (SELECT writer FROM audit GROUP BY writer HAVING max(sequence) - min(sequence) + 1 <> count(*)) gaps"));
        Assert.True((await VerifyAsync())["ok"]!.GetValue<bool>());
        foreach (var user in users)
        {
            user.Dispose();
        }
    }

    [Fact]
    public async Task Old_rows_are_removed_and_the_rest_verifies_and_goes_on()
    {
        await FillAsync();
        await Task.Delay(5, TestContext.Current.CancellationToken);
        var moment = DateTimeOffset.UtcNow;
        await FillAsync();
        var young = await _server.ScalarAsync<long>("SELECT CAST(count(*) AS bigint) FROM audit WHERE at >= @moment", ("moment", moment));

        await Task.WhenAll(_server.RemoveAuditAsync(moment), _server.RemoveAuditAsync(moment), FillAsync());

        Assert.Equal(0, await _server.ScalarAsync<long>("SELECT CAST(count(*) AS bigint) FROM audit WHERE at < @moment", ("moment", moment)));
        Assert.True(await _server.ScalarAsync<long>("SELECT CAST(count(*) AS bigint) FROM audit") > young);
        Assert.True((await VerifyAsync())["ok"]!.GetValue<bool>());
        await _server.RemoveAuditAsync(DateTimeOffset.UtcNow.AddDays(1));
        Assert.Equal(0, await _server.ScalarAsync<long>("SELECT CAST(count(*) AS bigint) FROM audit"));
        Assert.True((await VerifyAsync())["ok"]!.GetValue<bool>());
        await FillAsync();
        Assert.True((await VerifyAsync())["ok"]!.GetValue<bool>());
    }

    [Fact]
    public async Task What_was_tampered_with_is_not_removed()
    {
        await FillAsync();
        var writer = await _server.ScalarAsync<Guid>(AnyWriter);
        var first = await _server.ScalarAsync<long>("SELECT min(sequence) FROM audit WHERE writer = @writer", ("writer", writer));
        await _server.ExecuteSqlAsync(
            "UPDATE audit SET address = CONCAT(address, '0') WHERE writer = @writer AND sequence = @at", ("writer", writer), ("at", first + 1));

        await _server.RemoveAuditAsync(DateTimeOffset.UtcNow.AddDays(1));

        var found = await VerifyAsync();
        Assert.Equal($$"""{"writer":"{{writer}}","sequence":{{first + 1}}}""", found["first_broken"]!.ToJsonString());
        Assert.Contains(_server.Log.Lines, line => line.Contains("nothing of it is removed", StringComparison.Ordinal));
        await _server.ExecuteSqlAsync(WithoutTheLast("writer = @writer AND sequence = @at"), ("writer", writer), ("at", first + 1));
        Assert.True((await VerifyAsync())["ok"]!.GetValue<bool>());
    }

    /// <summary>Some rows in some chains; at least one chain has four.</summary>
    private async Task FillAsync()
    {
        using var user = await _server.NewUserAsync();
        await Task.WhenAll(Enumerable.Range(0, 4).Select(at => user.CreateSecretAsync($"at once {at}")));
        for (var at = 0; at < 4; at++)
        {
            var id = await user.CreateSecretAsync($"secret {at}", toolName: "tool", toolArg: "arg");
            (await user.PatchAsync($"{Path}/{id}", new JsonObject { ["tool_arg"] = "other" })).MustBe(200);
        }
    }

    private async Task<long> CountOfEachAsync(string sql, IEnumerable<Guid> ids)
    {
        var count = 0L;
        foreach (var id in ids)
        {
            count += await _server.ScalarAsync<long>(sql, ("id", id));
        }

        return count;
    }

    private static Sql WithoutTheLast(string condition) => Sql.Of(
        $"UPDATE audit SET address = left(address, -1) WHERE {condition}", $"UPDATE audit SET address = LEFT(address, LEN(address) - 1) WHERE {condition}");

    private async Task<JsonNode> VerifyAsync()
    {
        using var @operator = _server.Operator();
        return (await @operator.GetAsync(VerifyPath)).MustBe(200).Json;
    }

    private static JsonObject Body(string name) => new() { ["secret_name"] = name, ["secret_value"] = "some value" };

    /// <summary>Not shared with other classes: nothing else may write while the tables are taken apart.</summary>
    public sealed class OwnServer : IAsyncLifetime
    {
        public ApiServer Server { get; } = new();

        public ValueTask InitializeAsync() => Server.InitializeAsync();

        public ValueTask DisposeAsync() => Server.DisposeAsync();
    }
}
