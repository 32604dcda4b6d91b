using Secrets.TestKit;

namespace Secrets.Api.Tests.Promises;

/// <summary>
/// Promise 9: the service never wraps or unwraps with a key of the ring that an attacker without the root key inserted.
/// Every edit of the ring stops a start and turns the readiness of a running service red.
/// </summary>
public sealed class TamperingWithTheKeyRing(TamperingWithTheKeyRing.Attacked attacked) : IClassFixture<TamperingWithTheKeyRing.Attacked>, IAsyncLifetime
{
    private const string Resolve = "/api/v1/secrets/resolve";

    /// <summary>A key whose secret is unencrypted, so Data Protection reads it without a root key.</summary>
    private const string InClear =
        """
        <key id="6f1c1d5e-58b0-4c5a-9d5e-0d1a2b3c4d5e" version="1"><creationDate>2026-01-01T00:00:00Z</creationDate><activationDate>2026-01-01T00:00:00Z</activationDate><expirationDate>2099-01-01T00:00:00Z</expirationDate><descriptor deserializerType="Microsoft.AspNetCore.DataProtection.AuthenticatedEncryption.ConfigurationModel.AuthenticatedEncryptorDescriptorDeserializer, Microsoft.AspNetCore.DataProtection"><descriptor><encryption algorithm="AES_256_CBC" /><validation algorithm="HMACSHA256" /><masterKey p4:requiresEncryption="true" xmlns:p4="http://schemas.asp.net/2015/03/dataProtection"><value>AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+Pw==</value></masterKey></descriptor></descriptor></key>
        """;

    private static readonly string[] Tables = ["key_ring", "key_state", "key_rotations", "integrity_keys", "root_keys", "audit_keys"];

    private const string Revocation = """<revocation version="1"><revocationDate>2099-01-01T00:00:00Z</revocationDate><key id="*" /><reason /></revocation>""";

    /// <summary>Edits of the ring and of its state.</summary>
    public static TheoryData<string, string> Attacks => new()
    {
        { "a key in clear with another row's tag", $"INSERT INTO key_ring (name, xml, tag) SELECT {Name("mine")}, {Text(InClear)}, tag FROM key_ring" },
        { "a revocation of every key", $"INSERT INTO key_ring (name, xml, tag) SELECT {Name("revocation")}, {Text(Revocation)}, tag FROM key_ring" },
        { "the name of a row", $"UPDATE key_ring SET name = {Name("another")}" },
        { "the content of a row", $"UPDATE key_ring SET xml = {Text(InClear)}" },
        { "the tag of a row", "UPDATE key_ring SET tag = (SELECT tag FROM key_state)" },
        { "an empty ring", "DELETE FROM key_ring" },
        { "a later revision", "UPDATE key_state SET revision = revision + 1" },
        { "another tag of the state", "UPDATE key_state SET tag = (SELECT tag FROM key_ring WHERE name = (SELECT min(name) FROM key_ring))" },
        { "an issuer of users' names", $"UPDATE key_state SET user_issuer = {Text("https://mine.example")}" },
        { "the state's id", "UPDATE key_state SET id = 2" },
        { "no state", "DELETE FROM key_state" },
        { "a request that nobody made", "INSERT INTO key_rotations (layer, requested_at) VALUES (2, '2026-01-01')" },
        { "an integrity key that nobody made", "INSERT INTO integrity_keys (number, wrapped) SELECT 2, wrapped FROM integrity_keys" },
        { "no integrity key", "DELETE FROM integrity_keys" },
        { "the number of the integrity key", "UPDATE integrity_keys SET number = 2" },
    };

    /// <summary>Saves the tables, so that <see cref="DisposeAsync"/> can restore them while the service runs.</summary>
    public async ValueTask InitializeAsync()
    {
        if (TestDatabase.IsThere) // without a database every test is skipped
        {
            await AttackAsync(string.Join("; ", Tables.Select(table => $"DROP TABLE IF EXISTS saved_{table}; SELECT * INTO saved_{table} FROM {table}")));
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (TestDatabase.IsThere)
        {
            await AttackAsync(string.Join("; ", Tables.Select(table => $"DELETE FROM {table}; INSERT INTO {table} SELECT * FROM saved_{table}")));
            await attacked.Client.UntilReadyIsAsync(200);
        }
    }

    [Theory]
    [MemberData(nameof(Attacks))]
    public async Task A_changed_ring_wraps_nothing_and_is_reported(string what, string attack)
    {
        await AttackAsync(attack);

        await attacked.Client.UntilReadyIsAsync(503);
        (await attacked.Client.SendAsync(HttpMethod.Post, "/api/v1/encryption/rotate", """{"layer":"key_ring"}""")).MustBe(409);
        (await attacked.Client.SendAsync(HttpMethod.Post, "/api/v1/encryption/rotate", """{"layer":"data_keys"}""")).MustBe(409);

        // The verified key is cached, so other requests still work.
        await MustResolveAsync(attacked.Client);
        Assert.Contains("The keys were changed outside the service and are not loaded", attacked.Service.Output, StringComparison.Ordinal);

        var refusal = await StartAgainAsync();
        Assert.True(refusal?.StartsWith("The database was changed outside the service.", StringComparison.Ordinal) == true, $"{what}: {refusal ?? "it started"}");
    }

    [Theory]
    [InlineData("DELETE FROM root_keys", "but not the row of its root key")]
    [InlineData("DELETE FROM audit_keys", "but not the key of its audit")]
    [InlineData("UPDATE root_keys SET id = 2", "but not the row of its root key")]
    [InlineData("UPDATE root_keys SET fingerprint = '0000000000000000'", "The root key is the wrong one")]
    [InlineData("UPDATE root_keys SET canary = (SELECT tag FROM key_state)", "does not open the canary")]
    [InlineData("UPDATE audit_keys SET id = 2", "but not the key of its audit")]
    [InlineData("UPDATE audit_keys SET wrapped = (SELECT tag FROM key_state)", "The key of the audit does not unwrap")]
    [InlineData("UPDATE integrity_keys SET wrapped = (SELECT tag FROM key_ring WHERE name = (SELECT min(name) FROM key_ring))", "The integrity key 1 does not open")]
    public async Task The_service_does_not_start_without_a_key_of_the_ring(string attack, string expected)
    {
        await AttackAsync(attack);

        Assert.Contains(expected, await StartAgainAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_refused_process_prints_one_sentence_and_ends()
    {
        await AttackAsync("DELETE FROM key_state");

        await using var next = attacked.Installation.StartHere();

        Assert.Equal(1, await next.ExitCodeAsync());
        Assert.Contains("The database was changed outside the service. The state of the keys was removed.", next.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", next.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_set_back_ring_with_valid_tags_is_noticed_at_start_and_at_run_time()
    {
        (await attacked.Client.SendAsync(HttpMethod.Post, "/api/v1/encryption/rotate", """{"layer":"key_ring"}""")).MustBe(200);
        await attacked.Client.UntilReadyIsAsync(200);

        string[] keys = ["key_ring", "key_state", "key_rotations"];
        await AttackAsync(string.Join("; ", keys.Select(table =>
            $"DROP TABLE IF EXISTS newest_{table}; SELECT * INTO newest_{table} FROM {table}; DELETE FROM {table}; INSERT INTO {table} SELECT * FROM saved_{table}")));

        await attacked.Client.UntilReadyIsAsync(503);
        Assert.Contains("The keys were set back to revision", attacked.Service.Output, StringComparison.Ordinal);
        await MustResolveAsync(attacked.Client);

        // A new process has no cached state and compares the ring with the audit.
        Assert.Contains("the audit has a later revision", await StartAgainAsync(), StringComparison.Ordinal);

        await AttackAsync(string.Join("; ", keys.Select(table => $"DROP TABLE saved_{table}; SELECT * INTO saved_{table} FROM newest_{table}")));
    }

    [Fact]
    public async Task A_change_that_failed_does_not_replace_a_later_one()
    {
        // The database sees the rows of a change that fails at its commit, and an attacker may keep them. Here a change is removed together with its audit rows,
        // which leaves the same copy. No service runs meanwhile, because it would notice the removal.
        using var installation = await Installation.NewAsync();
        await installation.MakeAsync();
        await SetIssuerAsync(installation, "https://first.example");
        await RunAsync(installation, "SELECT * INTO first_state FROM key_state; SELECT * INTO first_writers FROM audit_writers; SELECT * INTO first_keys FROM audit_keys");
        await SetIssuerAsync(installation, "https://failed.example");
        await RunAsync(
            installation,
            """
            SELECT * INTO failed_state FROM key_state; DELETE FROM key_state; INSERT INTO key_state SELECT * FROM first_state;
            DELETE FROM audit WHERE writer NOT IN (SELECT id FROM first_writers); DELETE FROM audit_writers WHERE id NOT IN (SELECT id FROM first_writers);
            DELETE FROM audit_keys; INSERT INTO audit_keys SELECT * FROM first_keys
            """);
        await SetIssuerAsync(installation, "https://current.example");
        Assert.Contains("belong to the issuer 'https://current.example'", await StartAgainAsync(installation), StringComparison.Ordinal);

        await RunAsync(installation, "DELETE FROM key_state; INSERT INTO key_state SELECT * FROM failed_state");

        Assert.Contains("the audit has a later revision", await StartAgainAsync(installation), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_restored_ring_is_used_again()
    {
        // The name cannot be restored on Babelfish, which adds bytes as numbers.
        await AttackAsync("UPDATE key_ring SET xml = CONCAT('x', xml)");
        await attacked.Client.UntilReadyIsAsync(503);

        await AttackAsync("UPDATE key_ring SET xml = SUBSTRING(xml, 2, 1000000)");

        await attacked.Client.UntilReadyIsAsync(200);
        Assert.Null(await StartAgainAsync());
        await MustResolveAsync(attacked.Client);
    }

    /// <summary>Starts another replica. Returns the reason of a failed start, or null.</summary>
    private Task<string?> StartAgainAsync() => StartAgainAsync(attacked.Installation);

    private static Task<string?> StartAgainAsync(Installation installation) => ApiServer.RefusalOfStartAsync(installation.ConnectionString, installation.RootKeyFile);

    private static async Task SetIssuerAsync(Installation installation, string issuer)
    {
        await using var command = installation.RunHere("users", "set-issuer", issuer, "--yes");
        Assert.True(await command.ExitCodeAsync() == 0, command.Output);
    }

    private static async Task MustResolveAsync(ApiClient client)
    {
        var answer = (await client.AskAsync(Resolve, """{"tool_name":"t"}""")).MustBe(200);
        Assert.Equal("some value", answer.Json["values"]![0]!["secret_value"]!.GetValue<string>());
    }

    private Task<int> AttackAsync(string sql) => RunAsync(attacked.Installation, sql);

    private static Task<int> RunAsync(Installation installation, string sql) =>
        TestDatabase.RunAsync(installation.ConnectionString, TestDatabase.Own(sql), [], command => command.ExecuteNonQueryAsync());

    private static string Name(string text) => TestDatabase.IsSqlServer ? $"CAST('{text}' AS varbinary(510))" : $"'{text}'";

    private static string Text(string text) => TestDatabase.IsSqlServer ? $"N'{text}'" : $"'{text}'";

    /// <summary>A service whose database the tests edit.</summary>
    public sealed class Attacked : IAsyncLifetime
    {
        public Installation Installation { get; private set; } = null!;

        public ServiceInProcess Service { get; private set; } = null!;

        public ApiClient Client { get; private set; } = null!;

        public async ValueTask InitializeAsync()
        {
            if (!TestDatabase.IsThere)
            {
                return; // every test is skipped
            }

            Installation = await Installation.NewAsync();
            await Installation.MakeAsync();
            Service = Installation.StartHere();
            Client = await Service.ClientAsync(Installation.Key);
            await Client.CreateSecretAsync("n", "some value", "t", "a", isDefault: true);
            await MustResolveAsync(Client);
        }

        public async ValueTask DisposeAsync()
        {
            if (TestDatabase.IsThere)
            {
                Client.Dispose();
                await Service.DisposeAsync();
                Installation.Dispose();
            }
        }
    }
}
