using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Secrets.Domain.ApiKeys;
using Secrets.TestKit;

namespace Secrets.Api.Tests.Running;

/// <summary>The service on an external database server.</summary>
public sealed partial class AgainstAServer
{
    private const string Path = "/api/v1/secrets";

    [Fact]
    public async Task Two_replicas_run_on_one_database_after_migration()
    {
        using var installation = await Installation.NewAsync();
        await using (var early = installation.StartHere())
        {
            Assert.Equal(1, await early.ExitCodeAsync());
            Assert.Contains("Secrets.Api migrate --create-database", early.Output, StringComparison.Ordinal);
        }

        await installation.MigrateAsync();

        await using var one = installation.Start();
        await using var other = installation.Start();
        using var writer = await one.ClientAsync(Installation.Key);
        using var reader = await other.ClientAsync(Installation.Key);

        // Both replicas started on an empty database at the same time and agreed on one key.
        Assert.Equal(1L, await TestDatabase.RunAsync(
            installation.ConnectionString, "SELECT CAST(count(*) AS bigint) FROM key_ring", [], command => command.ExecuteScalarAsync()));

        // Each replica opens what the other sealed, because they share the key ring.
        var id = await writer.CreateSecretAsync("shared");
        (await reader.SendAsync(HttpMethod.Patch, $"{Path}/{id}", """{"secret_name":"renamed"}""")).MustBe(200);
        var back = await reader.CreateSecretAsync("back");
        (await writer.SendAsync(HttpMethod.Patch, $"{Path}/{back}", """{"secret_name":"renamed back"}""")).MustBe(200);
    }

    [Fact]
    public async Task The_migrate_argument_works_in_any_position()
    {
        using var installation = await Installation.NewAsync();
        await installation.MakeAsync();
        string[] pairs = [$"--Database:Provider={TestDatabase.Provider}", $"--ConnectionStrings:Secrets={installation.ConnectionString}"];
        string[] words = ["--Database:Provider", TestDatabase.Provider, "--ConnectionStrings:Secrets", installation.ConnectionString];
        foreach (var arguments in (string[][])
            [
                ["--migrate", .. pairs], [pairs[0], "--migrate", pairs[1]], [.. pairs, "--migrate"],
                ["--migrate", .. words], [.. words[..2], "--migrate", .. words[2..]], [.. words, "--migrate"],
            ])
        {
            await using var migration = ServiceInProcess.Start(
                new Dictionary<string, string?>(StringComparer.Ordinal) { ["ASPNETCORE_ENVIRONMENT"] = "Production" }, arguments);

            Assert.True(await migration.ExitCodeAsync() == 0, $"{string.Join(' ', arguments)}\n{migration.Output}");
        }
    }

    [Fact]
    public async Task Concurrent_first_starts_agree_on_every_key()
    {
        for (var round = 0; round < Campaign.Size(3); round++)
        {
            using var installation = await Installation.NewAsync();
            await installation.MakeAsync();
            var services = Enumerable.Range(0, 4).Select(_ => installation.StartHere()).ToList();
            var clients = await Task.WhenAll(services.Select(service => service.ClientAsync(Installation.Key)));
            foreach (var client in clients)
            {
                await client.CreateSecretAsync($"{Guid.NewGuid()}", "some value", $"{Guid.NewGuid()}", "a", isDefault: true);
                (await client.GetAsync("/health/ready")).MustBe(200);
            }

            Assert.Equal(1L, await TestDatabase.RunAsync(
                installation.ConnectionString, "SELECT revision FROM key_state", [], command => command.ExecuteScalarAsync()));
            foreach (var service in services)
            {
                await service.DisposeAsync();
            }
        }
    }

    [Fact]
    public async Task A_prerelease_database_is_refused_and_left_unchanged()
    {
        using var installation = await Installation.NewAsync();
        await installation.MakeAsync();
        const string Old = "20261121035619_Initial";
        await TestDatabase.RunAsync(
            installation.ConnectionString,
            Sql.Of($"UPDATE migrations SET \"MigrationId\" = '{Old}'", $"UPDATE migrations SET MigrationId = '{Old}'"),
            [],
            command => command.ExecuteNonQueryAsync());

        foreach (var arguments in (string[][])[[], ["--migrate"]])
        {
            await using var service = installation.RunHere(arguments);

            Assert.Equal(1, await service.ExitCodeAsync());
            var line = Assert.Single(service.Output.Split('\n'), line => line.StartsWith("Secrets cannot start: ", StringComparison.Ordinal));
            Assert.Contains($"its migrations begin with {Old}", line, StringComparison.Ordinal);
            Assert.DoesNotContain("   at ", service.Output, StringComparison.Ordinal);
        }

        Assert.Equal(1L, await TestDatabase.RunAsync(
            installation.ConnectionString, "SELECT CAST(count(*) AS bigint) FROM migrations", [], command => command.ExecuteScalarAsync()));
    }

    [Fact]
    public async Task Too_few_connections_are_reported()
    {
        using var installation = await Installation.NewAsync();
        await installation.MakeAsync();

        await using var service = installation.Start(Installation.WithPool(installation.ConnectionString, 2));

        Assert.Equal(1, await service.ExitCodeAsync());
        Assert.Contains("Secrets cannot start: ConnectionStrings:Secrets allows 2 connections, but the service needs at least 3.", service.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task With_few_connections_many_requests_wait_and_succeed()
    {
        using var installation = await Installation.NewAsync();
        await installation.MakeAsync();
        await using var service = installation.StartHere(Installation.WithPool(installation.ConnectionString, 3));
        var crowd = await Task.WhenAll(Enumerable.Range(0, 24).Select(async _ =>
        {
            using var bootstrap = await service.ClientAsync(Installation.Key);
            var made = await bootstrap.PostAsync("/api/v1/api-keys", NewKey("operator", "keys:manage", "secrets:write", "secrets:resolve"));
            return await service.ClientAsync(made.MustBe(200).Json["key"]!.GetValue<string>());
        }));

        // Each user's first secret needs a new data key. Requests that kept the connection which loaded the key would leave none for the writes.
        for (var round = 0; round < 3; round++)
        {
            await Task.WhenAll(crowd.Select(client => client.CreateSecretAsync($"{round}")));
            await AllAsync($"{Path}/resolve", new JsonObject { ["user_id"] = Guid.Empty.ToString(), ["tool_name"] = "t", ["references"] = new JsonObject { ["a"] = $"{round}" } });
            await AllAsync("/api/v1/api-keys", NewKey("secrets:write"));
        }

        var sessions = await TestDatabase.RunAsync(
            installation.ConnectionString,
            Sql.Of(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'Secrets%'",
                "SELECT CAST(count(*) AS bigint) FROM sys.dm_exec_sessions WHERE database_id = DB_ID() AND program_name LIKE 'Secrets%'"),
            [],
            command => command.ExecuteScalarAsync());
        Assert.InRange((long)sessions!, 2, 3);

        static JsonObject NewKey(params string[] scopes) => new()
        {
            ["name"] = "k",
            ["user_id"] = Guid.NewGuid().ToString(),
            ["scopes"] = new JsonArray([.. scopes.Select(scope => JsonValue.Create(scope))]),
        };

        async Task AllAsync(string path, JsonObject body)
        {
            foreach (var answer in await Task.WhenAll(crowd.Select(client => client.PostAsync(path, body.DeepClone()))))
            {
                answer.MustBe(200);
            }
        }
    }

    [Fact]
    public async Task In_production_only_a_command_creates_the_first_key()
    {
        using var installation = await Installation.NewAsync();
        await installation.MakeAsync();
        string key;
        await using (var started = installation.Start(settings: ("Auth__BootstrapKey", null)))
        {
            await started.AddressAsync();
            Assert.DoesNotMatch(PrintedKey(), started.Output);
            Assert.Contains("keys create-first", started.Output, StringComparison.Ordinal);
            await using var command = installation.RunWithoutKey("keys", "create-first");
            Assert.Equal(0, await command.ExitCodeAsync());
            key = Assert.Single(PrintedKey().Matches(command.Output)).Value;
            using var client = await started.ClientAsync(key);
            (await client.GetAsync(Path)).MustBe(200);
        }

        await using var again = installation.RunWithoutKey("keys", "create-first");
        Assert.Equal(1, await again.ExitCodeAsync());
        Assert.DoesNotMatch(PrintedKey(), again.Output);
        Assert.Contains("already", again.Output, StringComparison.Ordinal);

        // The user's account says that there is a key.
        await TestDatabase.RunAsync(installation.ConnectionString, "DELETE FROM api_keys", [], command => command.ExecuteNonQueryAsync());
        await using var refused = installation.RunWithoutKey("keys", "create-first");
        Assert.Equal(1, await refused.ExitCodeAsync());
        Assert.Contains("Secrets cannot start: The data of this owner was changed outside the service", refused.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_database_error_is_reported_in_one_line()
    {
        using var installation = await Installation.NewAsync();
        await installation.MakeAsync();
        await TestDatabase.RunAsync(installation.ConnectionString, "DROP TABLE root_keys", [], command => command.ExecuteNonQueryAsync());

        await using var service = installation.StartHere();

        Assert.Equal(1, await service.ExitCodeAsync());
        var line = Assert.Single(service.Output.Split('\n'), line => line.StartsWith("Secrets cannot start: The database at ", StringComparison.Ordinal));
        Assert.Contains("root_keys", line, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", service.Output, StringComparison.Ordinal);
    }

    /// <summary>For example because the script ran without QUOTED_IDENTIFIER. Two creates of a name could both succeed.</summary>
    [Theory]
    [InlineData("ux_secrets_name", "secrets")]
    [InlineData("ux_secrets_default", "secrets")]
    [InlineData("ux_data_keys_current", "data_keys")]
    [InlineData("ux_api_keys_prefix", "api_keys")]
    public async Task A_missing_unique_index_stops_the_start(string index, string table)
    {
        using var installation = await Installation.NewAsync();
        await installation.MakeAsync();
        await TestDatabase.RunAsync(
            installation.ConnectionString, Sql.Of($"DROP INDEX {index}", $"DROP INDEX {index} ON {table}"), [], command => command.ExecuteNonQueryAsync());

        await using var service = installation.StartHere();

        Assert.Equal(1, await service.ExitCodeAsync());
        Assert.Contains($"Secrets cannot start: The unique index {index} on {table} is missing", service.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Another_root_key_stops_the_start()
    {
        using var installation = await Installation.NewAsync();
        await installation.MakeAsync();
        var right = await File.ReadAllTextAsync(installation.RootKeyFile);
        await using (var first = installation.StartHere())
        {
            await first.AddressAsync();
        }

        await File.WriteAllTextAsync(installation.RootKeyFile, Convert.ToBase64String(new byte[32]));
        await using (var wrong = installation.StartHere())
        {
            Assert.Equal(1, await wrong.ExitCodeAsync());
            Assert.Contains("fingerprint", wrong.Output, StringComparison.Ordinal);
        }

        await File.WriteAllTextAsync(installation.RootKeyFile, right);
        await using var last = installation.StartHere();
        using var client = await last.ClientAsync(Installation.Key);
        (await client.GetAsync(Path)).MustBe(200);
    }

    [Fact]
    public async Task The_root_key_is_replaced_and_the_old_one_no_longer_needed()
    {
        using var installation = await Installation.NewAsync();
        await installation.MakeAsync();
        var previous = installation.RootKeyFile + ".previous";
        File.Copy(installation.RootKeyFile, previous);
        await using (var first = installation.StartHere())
        {
            using var client = await first.ClientAsync(Installation.Key);
            await client.CreateSecretAsync("n", "some value", "t", "a", isDefault: true);
        }

        await File.WriteAllTextAsync(installation.RootKeyFile, Convert.ToBase64String([.. Enumerable.Range(0, 32).Select(number => (byte)number)]));
        await using (var moving = installation.StartHere(null, ("Encryption__PreviousRootKeyFile", previous)))
        {
            await AssertResolvesAsync(moving);
            Assert.Contains("88e4399c939d3ff4", moving.Output, StringComparison.Ordinal);
        }

        await using (var after = installation.StartHere())
        {
            await AssertResolvesAsync(after);
            using var client = await after.ClientAsync(Installation.Key);
            Assert.Equal("88e4399c939d3ff4", (await client.GetAsync("/api/v1/encryption")).MustBe(200).Json["root_key"]!.GetValue<string>());
        }

        await using (var again = installation.StartHere(null, ("Encryption__PreviousRootKeyFile", previous)))
        {
            await AssertResolvesAsync(again);
        }

        await using var wrong = installation.StartHere(null, ("Encryption__RootKeyFile", previous));
        Assert.Equal(1, await wrong.ExitCodeAsync());
        Assert.Contains("needs the key with fingerprint 88e4399c939d3ff4", wrong.Output, StringComparison.Ordinal);
    }

    /// <summary>One provider replaces another: the settings name the new source, and the old one as the previous.</summary>
    [Fact]
    public async Task The_root_key_moves_from_a_file_to_a_command_and_back()
    {
        using var installation = await Installation.NewAsync();
        await installation.MakeAsync();
        await using (var first = installation.StartHere())
        {
            using var client = await first.ClientAsync(Installation.Key);
            await client.CreateSecretAsync("n", "some value", "t", "a", isDefault: true);
        }

        var printed = installation.RootKeyFile + ".printed";
        var key = Convert.ToBase64String([.. Enumerable.Range(0, 32).Select(number => (byte)number)]);
        await File.WriteAllTextAsync(printed, key);
        (string Name, string? Value)[] command =
            [("Encryption__RootKeyFile", null), ("Encryption__RootKey__Provider", "Command"), ("Encryption__RootKey__Command", $"cat {printed}")];
        await using (var moving = installation.StartHere(null, [.. command, ("Encryption__PreviousRootKeyFile", installation.RootKeyFile)]))
        {
            await AssertResolvesAsync(moving);
            Assert.Contains("88e4399c939d3ff4", moving.Output, StringComparison.Ordinal);
        }

        await using (var after = installation.StartHere(null, command))
        {
            await AssertResolvesAsync(after);
            Assert.DoesNotContain(key, after.Output, StringComparison.Ordinal);
        }

        await using (var wrong = installation.StartHere())
        {
            Assert.Equal(1, await wrong.ExitCodeAsync());
            Assert.Contains($"needs the key with fingerprint 88e4399c939d3ff4, but the file {installation.RootKeyFile} has the key ", wrong.Output, StringComparison.Ordinal);
        }

        await using (var failing = installation.StartHere(null, [.. command[..2], ("Encryption__RootKey__Command", $"cat {printed} {printed}.none")]))
        {
            Assert.Equal(1, await failing.ExitCodeAsync());
            var line = Assert.Single(failing.Output.Split('\n'), line => line.StartsWith("Secrets cannot start: ", StringComparison.Ordinal));
            Assert.Contains("Encryption:RootKey:Command failed with exit code 1.", line, StringComparison.Ordinal);
            Assert.EndsWith("This database needs the key with fingerprint 88e4399c939d3ff4.", line, StringComparison.Ordinal);
            Assert.DoesNotContain(key, failing.Output, StringComparison.Ordinal);
            Assert.DoesNotContain("   at ", failing.Output, StringComparison.Ordinal);
        }

        (string Name, string? Value)[] previous =
            [("Encryption__PreviousRootKey__Provider", "Command"), ("Encryption__PreviousRootKey__Command", $"cat {printed}")];
        await using (var back = installation.StartHere(null, previous))
        {
            await AssertResolvesAsync(back);
        }

        await using var last = installation.StartHere();
        await AssertResolvesAsync(last);
    }

    [Fact]
    public async Task Replicas_replace_the_root_key_one_by_one_without_loss()
    {
        using var installation = await Installation.NewAsync();
        await installation.MakeAsync();
        var previous = installation.RootKeyFile + ".previous";
        File.Copy(installation.RootKeyFile, previous);
        await using var old = installation.Start();
        using var client = await old.ClientAsync(Installation.Key);
        await client.CreateSecretAsync("n", "some value", "t", "a", isDefault: true);
        (await client.GetAsync("/health/ready")).MustBe(200);
        var ring = Assert.Single(await RingAsync(installation));
        var fingerprint = (await client.GetAsync("/api/v1/encryption")).MustBe(200).Json["root_key"]!.GetValue<string>();
        Assert.Contains(fingerprint, ring, StringComparison.Ordinal);

        await File.WriteAllTextAsync(installation.RootKeyFile, Convert.ToBase64String(new byte[32]));
        await using (var moved = installation.StartHere(null, ("Encryption__PreviousRootKeyFile", previous)))
        {
            await AssertResolvesAsync(moved);

            // The replica with the previous key serves until its restart.
            (await client.GetAsync("/health/ready")).MustBe(503);
            await AssertResolvesAsync(old);
            await client.CreateSecretAsync("m", "another value", "u", "a", isDefault: true);

            // The old replica adds no key to the ring that others cannot read, even after they changed the ring.
            (await client.SendAsync(HttpMethod.Post, "/api/v1/encryption/rotate", """{"layer":"key_ring"}""")).MustBe(409);
            using var other = await moved.ClientAsync(Installation.Key);
            (await other.SendAsync(HttpMethod.Post, "/api/v1/encryption/rotate", """{"layer":"key_ring"}""")).MustBe(200);
            (await client.SendAsync(HttpMethod.Post, "/api/v1/encryption/rotate", """{"layer":"data_keys"}""")).MustBe(200);
            await AssertResolvesAsync(old);
            await AssertResolvesAsync(moved);
            Assert.All(await RingAsync(installation), row => Assert.DoesNotContain(fingerprint, row, StringComparison.Ordinal));
        }

        // A key that an attacker inserted is not opened with any root key.
        var straggler = Regex.Replace(ring, "(?<=<key id=\")[-0-9a-f]+", Guid.NewGuid().ToString());
        await TestDatabase.RunAsync(
            installation.ConnectionString,
            Sql.Of(
                "INSERT INTO key_ring (name, xml, tag) SELECT 'straggler', @xml, tag FROM key_ring LIMIT 1",
                "INSERT INTO key_ring (name, xml, tag) SELECT TOP 1 CAST('straggler' AS varbinary(510)), CAST(CAST(@xml AS varchar(max)) AS nvarchar(max)), tag FROM key_ring"),
            [("@xml", straggler)],
            command => command.ExecuteNonQueryAsync());

        await using (var refused = installation.StartHere(null, ("Encryption__PreviousRootKeyFile", previous)))
        {
            Assert.Equal(1, await refused.ExitCodeAsync());
            Assert.Contains("The entry 'straggler' of the key ring was not written by this service", refused.Output, StringComparison.Ordinal);
        }

        await TestDatabase.RunAsync(
            installation.ConnectionString, "DELETE FROM key_ring WHERE name = @name", [("@name", "straggler")], command => command.ExecuteNonQueryAsync());

        await using (var again = installation.StartHere(null, ("Encryption__PreviousRootKeyFile", previous)))
        {
            await AssertResolvesAsync(again);
        }

        await using var last = installation.StartHere();
        await AssertResolvesAsync(last);
    }

    [Fact]
    public async Task A_missing_file_of_the_previous_root_key_stops_the_start()
    {
        using var installation = await Installation.NewAsync();
        await installation.MakeAsync();

        await using var service = installation.StartHere(null, ("Encryption__PreviousRootKeyFile", installation.RootKeyFile + ".none"));

        Assert.Equal(1, await service.ExitCodeAsync());
        Assert.Contains("root.key.none, does not exist", service.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_missing_database_is_reported_and_the_service_stays_alive()
    {
        using var installation = await Installation.NewAsync();
        await installation.MakeAsync();
        await using var way = new CuttingProxy(installation.ConnectionString);
        await using var service = installation.StartHere(way.ConnectionString);
        using var client = await service.ClientAsync(Installation.Key);
        var id = await client.CreateSecretAsync("there");
        (await client.GetAsync("/health/ready")).MustBe(200);

        await way.DisposeAsync();

        foreach (var answer in (Answer[])
            [
                await client.GetAsync(Path),
                await client.GetAsync($"{Path}/{id}"),
                await client.SendAsync(HttpMethod.Post, Path, """{"secret_name":"n","secret_value":"some value"}"""),
                await client.SendAsync(HttpMethod.Patch, $"{Path}/{id}", """{"secret_name":"n"}"""),
                await client.DeleteAsync($"{Path}/{id}"),
                await client.GetAsync("/health/ready"),
            ])
        {
            answer.MustBe(503);
            Assert.NotNull(answer.Json["detail"]);
            Assert.NotNull(answer.Headers.RetryAfter);
        }

        // The answer names the failed checks.
        var failed = (await client.GetAsync("/health/ready")).MustBe(503).Json["failed"]!.AsArray().Select(check => check!.GetValue<string>());
        Assert.Equal(["audit", "database"], failed.Order(StringComparer.Ordinal));

        // Any credential gets 503: without a database only the bootstrap key can be verified.
        using var guess = await service.ClientAsync(ApiKeyText.Generate());
        (await guess.GetAsync(Path)).MustBe(503);
        (await guess.GetAsync("/health/live")).MustBe(200);
        (await client.GetAsync("/health/live")).MustBe(200);
    }

    private static Task<List<string>> RingAsync(Installation installation) =>
        TestDatabase.ReadAsync(installation.ConnectionString, "SELECT xml FROM key_ring", row => row.GetString(0));

    private static async Task AssertResolvesAsync(RunningService service)
    {
        using var client = await service.ClientAsync(Installation.Key);
        var answer = (await client.AskAsync($"{Path}/resolve", """{"tool_name":"t"}""")).MustBe(200);
        Assert.Equal("some value", answer.Json["values"]![0]!["secret_value"]!.GetValue<string>());
    }

    [GeneratedRegex("secsvc_[0-9A-Za-z]{52}")]
    private static partial Regex PrintedKey();
}
