using Secrets.Infrastructure.Encryption;
using Secrets.TestKit;

namespace Secrets.Infrastructure.Tests.Encryption;

/// <summary>What becomes of values when their data key is retired or deleted behind the service's back. The server is its own: its clock is moved.</summary>
public sealed class LosingADataKey : IAsyncLifetime
{
    private const string Secrets = "/api/v1/secrets";

    private readonly LateClock _clock = new();
    private readonly ApiServer _server;

    public LosingADataKey() => _server = new ApiServer { Clock = _clock };

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

        (await user.SendAsync(HttpMethod.Post, $"{Secrets}/resolve", """{"tool_name": "t"}""")).MustBe(409);
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
        (await user.SendAsync(HttpMethod.Post, $"{Secrets}/resolve", """{"tool_name": "t"}""")).MustBe(409);
    }

    [Fact]
    public async Task An_update_that_has_no_key_to_seal_with_changes_nothing()
    {
        using var user = await NewUserAsync();
        var one = $"{Secrets}/{await StoreAsync(user, "n", "some value")}";

        // The key that opens it is read again, the one to seal with is gone.
        await _server.ExecuteSqlAsync(
            "UPDATE data_keys SET retired_at = created_at WHERE owner_id = @owner", ("@owner", user.UserId.ToString()));
        _clock.MoveOn(DataKeyCache.Lifetime);
        (await user.SendAsync(HttpMethod.Patch, one, """{"secret_name": "m"}""")).MustBe(503);
        Assert.Contains("some value", await ResolveAsync(user), StringComparison.Ordinal);

        await StoreAsync(user, "other", "another value", "elsewhere");
        (await user.SendAsync(HttpMethod.Patch, one, """{"secret_name": "m"}""")).MustBe(200);
        Assert.Contains("some value", await ResolveAsync(user), StringComparison.Ordinal);
    }

    private Task<ApiClient> NewUserAsync() => _server.NewUserAsync("secrets:read", "secrets:write", "secrets:resolve");

    private static async Task<string> StoreAsync(ApiClient user, string name, string value, string tool = "t")
    {
        var body = $$"""{"secret_name": "{{name}}", "secret_value": "{{value}}", "tool_name": "{{tool}}", "tool_arg": "a", "is_default_for_tool": true}""";
        return (await user.SendAsync(HttpMethod.Post, Secrets, body)).MustBe(200).Json["secret_id"]!.GetValue<string>();
    }

    private static async Task<string> ResolveAsync(ApiClient user) =>
        (await user.SendAsync(HttpMethod.Post, $"{Secrets}/resolve", """{"tool_name": "t"}""")).MustBe(200).Body;

    /// <summary>The machine's clock, and as much later as the test has moved it.</summary>
    private sealed class LateClock : TimeProvider
    {
        private long _later;

        public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + TimeSpan.FromTicks(Volatile.Read(ref _later));

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => GetUtcNow().Ticks;

        public void MoveOn(TimeSpan time) => Interlocked.Add(ref _later, time.Ticks);
    }
}
