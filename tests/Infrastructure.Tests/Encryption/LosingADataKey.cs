using Secrets.Domain.Secrets;
using Secrets.Infrastructure.Encryption.DataKeys;
using Secrets.TestKit;

namespace Secrets.Infrastructure.Tests.Encryption;

/// <summary>A data key is retired or deleted outside the service. The test has its own server, because it moves the clock.</summary>
public sealed class LosingADataKey : IAsyncLifetime
{
    private const string Secrets = "/api/v1/secrets";

    private readonly LateClock _clock = new();
    private readonly ApiServer _server;

    public LosingADataKey()
    {
        _server = ApiServer.With();
        _server.Clock = _clock;
    }

    public ValueTask InitializeAsync() => _server.InitializeAsync();

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task A_key_that_was_deleted_opens_nothing_once_it_is_forgotten()
    {
        using var user = await NewUserAsync();
        await StoreAsync(user, "n", "some value");
        Assert.Contains("some value", await ResolveAsync(user), StringComparison.Ordinal);

        await _server.ExecuteSqlAsync("DELETE FROM data_keys WHERE owner_id = @owner", ("@owner", user.UserId.ToString()));
        _clock.MoveOn(DataKeyCache.Lifetime);

        (await user.AskAsync($"{Secrets}/resolve", """{"tool_name": "t"}""")).MustBe(409);
    }

    [Fact]
    public async Task A_key_that_was_edited_seals_nothing_and_opens_nothing()
    {
        using var user = await NewUserAsync();
        await StoreAsync(user, "n", "some value");
        await _server.ExecuteSqlAsync(
            "UPDATE data_keys SET wrapped = substring(wrapped, 1, 60) WHERE owner_id = @owner", ("@owner", user.UserId.ToString()));
        _clock.MoveOn(DataKeyCache.Lifetime);

        (await user.SendAsync(HttpMethod.Post, Secrets, """{"secret_name": "m", "secret_value": "another value"}""")).MustBe(409);
        (await user.AskAsync($"{Secrets}/resolve", """{"tool_name": "t"}""")).MustBe(409);
    }

    [Fact]
    public async Task Nothing_is_stored_after_a_key_was_deleted_though_the_key_is_still_in_memory()
    {
        using var user = await NewUserAsync();
        await StoreAsync(user, "n", "some value", "lost");
        await _server.ExecuteSqlAsync("DELETE FROM data_keys WHERE owner_id = @owner", ("@owner", user.UserId.ToString()));

        (await user.SendAsync(HttpMethod.Post, Secrets, """{"secret_name": "m", "secret_value": "another value"}""")).MustBe(409);
        _clock.MoveOn(DataKeyCache.Lifetime);
        (await user.SendAsync(HttpMethod.Post, Secrets, """{"secret_name": "m", "secret_value": "another value"}""")).MustBe(409);
        (await user.AskAsync($"{Secrets}/resolve", """{"tool_name": "lost"}""")).MustBe(409);
    }

    [Fact]
    public async Task Nothing_is_sealed_with_a_key_that_was_retired_though_it_is_still_in_memory()
    {
        using var user = await NewUserAsync();
        var first = $"{Secrets}/{await StoreAsync(user, "n", "some value")}";
        var retired = await _server.RetireDataKeyAsync(SecretOwner.User(user.UserId));

        // Many at once, so that group commits are tested too.
        await Task.WhenAll(Enumerable.Range(0, 20).Select(number => StoreAsync(user, $"m{number}", $"value {number}", $"t{number}")));

        Assert.Equal(1, await SealedWithAsync(retired));
        for (var number = 0; number < 20; number++)
        {
            Assert.Contains($"value {number}", await ResolveAsync(user, $"t{number}"), StringComparison.Ordinal);
        }

        (await user.SendAsync(HttpMethod.Patch, first, """{"secret_name": "m"}""")).MustBe(200);
        Assert.Equal(0, await SealedWithAsync(retired));
    }

    private Task<long> SealedWithAsync(Guid key) => _server.ScalarAsync<long>(
        "SELECT CAST(count(*) AS bigint) FROM secrets WHERE substring(envelope, 2, 16) = @key", ("key", key.ToByteArray(bigEndian: true)));

    private Task<ApiClient> NewUserAsync() => _server.NewUserAsync("secrets:read", "secrets:write", "secrets:resolve");

    private static async Task<string> StoreAsync(ApiClient user, string name, string value, string tool = "t")
    {
        var body = $$"""{"secret_name": "{{name}}", "secret_value": "{{value}}", "tool_name": "{{tool}}", "tool_arg": "a", "is_default_for_tool": true}""";
        return (await user.SendAsync(HttpMethod.Post, Secrets, body)).MustBe(200).Json["secret_id"]!.GetValue<string>();
    }

    private static async Task<string> ResolveAsync(ApiClient user, string tool = "t") =>
        (await user.AskAsync($"{Secrets}/resolve", $$"""{"tool_name": "{{tool}}"}""")).MustBe(200).Body;
}
