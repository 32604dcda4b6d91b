using System.Text.Json.Nodes;
using Secrets.Domain.Secrets;
using Secrets.TestKit;

namespace Secrets.Api.Tests.Promises;

/// <summary>
/// Key rotation under load: no value is lost or stale, and no key is removed while an envelope uses it.
/// The class has its own server, because it moves the clock.
/// </summary>
public sealed class ReplacingKeys : IAsyncLifetime
{
    private const string Secrets = "/api/v1/secrets";
    private const string Encryption = "/api/v1/encryption";

    /// <summary>Counts secrets whose envelope names a missing key or a key of another owner.</summary>
    private static readonly Sql WithoutKey = Sql.Of(
        """
        SELECT count(*) FROM secrets s WHERE NOT EXISTS (
            SELECT 1 FROM data_keys k WHERE k.owner_id = s.owner_id AND replace(k.id::text, '-', '') = encode(substring(s.envelope, 2, 16), 'hex'))
        """,
        """
        SELECT CAST(count(*) AS bigint) FROM secrets s WHERE NOT EXISTS (
            SELECT 1 FROM data_keys k WHERE k.owner_id = s.owner_id AND k.id = CAST(SUBSTRING(s.envelope, 2, 16) AS binary(16)))
        """);

    private readonly LateClock _clock = new();
    private readonly ApiServer _server;

    public ReplacingKeys()
    {
        _server = ApiServer.With();
        _server.Clock = _clock;
    }

    public ValueTask InitializeAsync() => _server.InitializeAsync();

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task Every_value_is_resealed_without_visible_change()
    {
        // More secrets than one transaction rotates, of two users and of an organisation with workspace grants.
        using var user = await NewUserAsync();
        using var other = await NewUserAsync();
        using var @operator = _server.Operator();
        var count = 205;
        await _server.StoreAsync(SecretOwner.User(user.UserId), [.. Enumerable.Range(0, count).Select(number => Default(number))]);
        await other.CreateSecretAsync("n", "value of another", "t0", "a", isDefault: true);
        await _server.StoreAsync(
            new SecretOwner(OwnerKind.Organization, "default"),
            new NewSecret("n", "value of many", "shared", "a", IsDefault: true, WorkspaceRule.Some, ["v", "w"]));
        var listed = (await user.GetAsync(Secrets)).MustBe(200).Body;
        var keys = await KeysAsync();

        var asked = (await @operator.SendAsync(HttpMethod.Post, $"{Encryption}/rotate", """{"layer":"data_keys"}""")).MustBe(200).Json;
        Assert.NotNull(asked["data_keys"]!["requested_at"]);
        Assert.Null(asked["data_keys"]!["finished_at"]);
        await _server.ReplaceKeysAsync();

        // Retired keys stay during the grace period for readers of older envelopes. The service's own pass may still run.
        Assert.Equal(2 * keys, await KeysAsync());
        Assert.Equal(keys, await RemainingAsync());
        while (await SealedWithRetiredAsync() > 0)
        {
            await Task.Delay(20, TestContext.Current.CancellationToken);
        }

        _clock.MoveOn(ApiServer.RetiredKeysStay);
        await _server.ReplaceKeysAsync();

        var state = (await @operator.GetAsync(Encryption)).MustBe(200).Json["data_keys"]!;
        Assert.Equal(0, state["keys_left"]!.GetValue<long>());
        Assert.NotNull(state["finished_at"]);
        Assert.Equal(keys, await KeysAsync());
        Assert.Equal(0L, await _server.ScalarAsync<long>(WithoutKey));
        Assert.Equal(listed, (await user.GetAsync(Secrets)).MustBe(200).Body);
        for (var number = 0; number < count; number++)
        {
            Assert.Equal($"value {number}", await ResolveAsync(user, $"t{number}"));
        }

        Assert.Equal("value of another", await ResolveAsync(other, "t0"));
        var shared = (await @operator.AskAsync(
            $"{Secrets}/resolve", """{"tool_name":"shared","organization_id":"default","workspace":"w"}""")).MustBe(200);
        Assert.Equal("value of many", shared.Json["values"]![0]!["secret_value"]!.GetValue<string>());
    }

    [Fact]
    public async Task Rotation_is_audited_once_and_the_audit_verifies()
    {
        using var @operator = _server.Operator();
        await @operator.CreateSecretAsync("n");

        (await @operator.SendAsync(HttpMethod.Post, $"{Encryption}/rotate", """{"layer":"data_keys"}""")).MustBe(200);
        (await @operator.SendAsync(HttpMethod.Post, $"{Encryption}/rotate", """{"layer":"key_ring"}""")).MustBe(200);
        await _server.ReplaceKeysAsync();

        var rows = (await @operator.GetAsync("/api/v1/audit?action=encryption.rotate")).MustBe(200).Json["data"]!.AsArray();
        Assert.Equal(2, rows.Count);
        Assert.All(rows, row => Assert.Equal("success", row!["outcome"]!.GetValue<string>()));
        Assert.True((await @operator.GetAsync("/api/v1/audit/verify")).MustBe(200).Json["ok"]!.GetValue<bool>());
    }

    [Fact]
    public async Task Writes_and_resolves_during_rotation_lose_nothing_and_are_current()
    {
        using var @operator = _server.Operator();
        using var stop = new CancellationTokenSource();
        var users = Enumerable.Range(0, 6).Select(number => UseAsync(number, stop.Token)).ToList();
        for (var round = 0; round < 20; round++)
        {
            (await @operator.SendAsync(HttpMethod.Post, $"{Encryption}/rotate", """{"layer":"data_keys"}""")).MustBe(200);
            if (round == 0)
            {
                // Only in the first round: later the test clock is far ahead of the clock of Data Protection.
                (await @operator.SendAsync(HttpMethod.Post, $"{Encryption}/rotate", """{"layer":"key_ring"}""")).MustBe(200);
            }

            await Task.WhenAll(_server.ReplaceKeysAsync(), _server.ReplaceKeysAsync());
            _clock.MoveOn(ApiServer.RetiredKeysStay);
            await _server.ReplaceKeysAsync();
        }

        await stop.CancelAsync();
        var written = await Task.WhenAll(users);
        Assert.All(written, count => Assert.True(count > 5, $"a user wrote {count} times"));
        await PassAsync();
        Assert.Equal(0, await RemainingAsync());
        Assert.Equal(0L, await _server.ScalarAsync<long>(WithoutKey));
    }

    [Fact]
    public async Task A_key_is_kept_while_an_envelope_does_not_open()
    {
        using var user = await NewUserAsync();
        await user.CreateSecretAsync("n", "some value", "t", "a", isDefault: true);
        var edited = await user.CreateSecretAsync("m", "another value", "u", "a", isDefault: true);
        await _server.ExecuteSqlAsync("UPDATE secrets SET tool_arg = 'b' WHERE id = @id", ("@id", edited));

        await ReplaceAllAsync();
        Assert.Equal(1, await RemainingAsync());
        Assert.Contains(_server.Log.Lines, line => line.Contains(user.UserId.ToString(), StringComparison.Ordinal) && line.Contains("were changed outside the service", StringComparison.Ordinal));

        await _server.ExecuteSqlAsync("UPDATE secrets SET tool_arg = 'a' WHERE id = @id", ("@id", edited));
        await PassAsync();
        Assert.Equal(0, await RemainingAsync());
        Assert.Equal("some value", await ResolveAsync(user, "t"));
        Assert.Equal("another value", await ResolveAsync(user, "u"));
    }

    [Fact]
    public async Task A_restarted_rotation_continues_after_a_kill()
    {
        using var user = await NewUserAsync();
        await _server.StoreAsync(SecretOwner.User(user.UserId), [.. Enumerable.Range(0, 20).Select(number => Default(number))]);

        // The key is retired, but no secret is resealed yet.
        await _server.RetireDataKeyAsync(SecretOwner.User(user.UserId));
        _clock.MoveOn(ApiServer.RetiredKeysStay);
        await ReplaceAllAsync();

        Assert.Equal(0, await RemainingAsync());
        for (var number = 0; number < 20; number++)
        {
            Assert.Equal($"value {number}", await ResolveAsync(user, $"t{number}"));
        }
    }

    [Theory]
    [InlineData("{}", "layer")]
    [InlineData("""{"layer":null}""", "layer")]
    [InlineData("""{"layer":"root_key"}""", "layer")]
    [InlineData("""{"layer":"DATA_KEYS"}""", "layer")]
    [InlineData("""{"layer":1}""", "layer")]
    [InlineData("""{"layer":["data_keys"]}""", "layer")]
    public async Task An_unknown_layer_is_refused(string body, string member)
    {
        using var @operator = _server.Operator();

        var refused = (await @operator.SendAsync(HttpMethod.Post, $"{Encryption}/rotate", body)).MustBe(422);

        Assert.Equal(member, refused.Json["detail"]![0]!["loc"]![1]!.GetValue<string>());
        Assert.Null((await @operator.GetAsync(Encryption)).MustBe(200).Json["data_keys"]!["requested_at"]);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_rotation_does_not_end_while_a_key_hides_from_it(bool isMoved)
    {
        using var user = await NewUserAsync();
        await user.CreateSecretAsync("n", "some value", "t", "a", isDefault: true);
        var row = $"owner_id = '{user.UserId}'";
        await _server.ExecuteSqlAsync($"SELECT * INTO saved_keys FROM data_keys WHERE {row}{TestDatabase.WithoutComputed("saved_keys")}");
        await _server.ExecuteSqlAsync(isMoved
            ? Sql.Of($"UPDATE data_keys SET created_at = created_at + interval '1 day' WHERE {row}", $"UPDATE data_keys SET created_at = DATEADD(day, 1, created_at) WHERE {row}")
            : $"DELETE FROM data_keys WHERE {row}");
        await ReplaceAllAsync();
        using var @operator = _server.Operator();
        Assert.Null((await @operator.GetAsync(Encryption)).MustBe(200).Json["data_keys"]!["finished_at"]);

        await _server.ExecuteSqlAsync($"DELETE FROM data_keys WHERE {row}; INSERT INTO data_keys SELECT * FROM saved_keys");
        await PassAsync();
        Assert.NotNull((await @operator.GetAsync(Encryption)).MustBe(200).Json["data_keys"]!["finished_at"]);
        Assert.Equal("some value", await ResolveAsync(user, "t"));
    }

    private static NewSecret Default(int number) => new($"n{number}", $"value {number}", $"t{number}", "a", IsDefault: true);

    private Task<ApiClient> NewUserAsync() => _server.NewUserAsync("secrets:read", "secrets:write", "secrets:resolve");

    private async Task ReplaceAllAsync()
    {
        using var @operator = _server.Operator();
        (await @operator.SendAsync(HttpMethod.Post, $"{Encryption}/rotate", """{"layer":"data_keys"}""")).MustBe(200);
        await PassAsync();
    }

    /// <summary>
    /// Runs three passes with the grace period in between. The service runs its own passes meanwhile, and the last use of a key starts its grace period.
    /// </summary>
    private async Task PassAsync()
    {
        for (var pass = 0; pass < 3; pass++)
        {
            await _server.ReplaceKeysAsync();
            _clock.MoveOn(ApiServer.RetiredKeysStay);
            await _server.ReplaceKeysAsync();
        }
    }

    /// <summary>Alternately writes and resolves until cancelled. Returns the number of writes.</summary>
    private async Task<int> UseAsync(int number, CancellationToken stop)
    {
        using var user = await NewUserAsync();
        var random = new Random(number);
        var values = new Dictionary<string, (Guid Id, string Value)>(StringComparer.Ordinal);
        var writes = 0;
        while (!stop.IsCancellationRequested)
        {
            var tool = $"t{random.Next(8)}";
            var value = $"value {number} {writes++}";
            if (values.TryGetValue(tool, out var known))
            {
                (await user.PatchAsync($"{Secrets}/{known.Id}", new JsonObject { ["secret_value"] = value })).MustBe(200);
                values[tool] = (known.Id, value);
            }
            else
            {
                values[tool] = (await user.CreateSecretAsync(tool, value, tool, "a", isDefault: true), value);
            }

            foreach (var (name, stored) in values)
            {
                Assert.Equal(stored.Value, await ResolveAsync(user, name));
            }
        }

        return writes;
    }

    private async Task<int> RemainingAsync()
    {
        using var @operator = _server.Operator();
        return (await @operator.GetAsync(Encryption)).MustBe(200).Json["data_keys"]!["keys_left"]!.GetValue<int>();
    }

    private async Task<int> KeysAsync() => (int)await _server.ScalarAsync<long>("SELECT CAST(count(*) AS bigint) FROM data_keys");

    private Task<long> SealedWithRetiredAsync() => _server.ScalarAsync<long>(Sql.Of(
        """
        SELECT count(*) FROM secrets s JOIN data_keys k ON replace(k.id::text, '-', '') = encode(substring(s.envelope, 2, 16), 'hex')
        WHERE k.retired_at IS NOT NULL
        """,
        """
        SELECT CAST(count(*) AS bigint) FROM secrets s JOIN data_keys k ON k.id = CAST(SUBSTRING(s.envelope, 2, 16) AS binary(16))
        WHERE k.retired_at IS NOT NULL
        """));

    private static async Task<string> ResolveAsync(ApiClient user, string tool) =>
        (await user.AskAsync($"{Secrets}/resolve", new JsonObject { ["tool_name"] = tool })).MustBe(200).Json["values"]![0]!["secret_value"]!.GetValue<string>();
}
