using System.Text.Json.Nodes;
using Secrets.TestKit;
using static Secrets.Api.Tests.V1.ToolCalls;

namespace Secrets.Api.Tests.V1;

/// <summary>The number and time of released values: seconds late, but finally exact.</summary>
public sealed class CountingUses(ApiServer server)
{
    private static readonly TimeSpan Behind = TimeSpan.FromSeconds(15);

    [Fact]
    public async Task A_secret_that_was_never_resolved_has_no_uses()
    {
        using var user = await server.NewUserAsync(Runtime);
        var id = await user.CreateSecretAsync("unused", toolName: Tool, toolArg: "token", isDefault: true);
        (await user.AskAsync(Explain, Call())).MustBe(200);
        (await user.AskAsync(Resolve, Call(["another"]))).MustBe(200);

        var secret = (await user.GetAsync($"/api/v1/secrets/{id}")).MustBe(200).Json;

        Assert.False(secret.AsObject().ContainsKey("use_count"));
        Assert.False(secret.AsObject().ContainsKey("last_resolved_at"));
    }

    [Fact]
    public async Task Fifty_concurrent_resolves_are_each_counted_once()
    {
        using var user = await server.NewUserAsync(Runtime);
        var often = await user.CreateSecretAsync("often", toolName: Tool, toolArg: "token", isDefault: true);
        var once = await user.CreateSecretAsync("once");
        var before = DateTimeOffset.UtcNow.AddSeconds(-5);

        await Task.WhenAll(Enumerable.Range(0, 50).Select(async _ => (await user.AskAsync(Resolve, Call())).MustBe(200)));
        (await user.AskAsync(Resolve, Call([], references: [("other", "once")]))).MustBe(200);

        var counted = await WaitForAsync(user, often, 50);
        Assert.InRange(counted["last_resolved_at"]!.GetValue<DateTimeOffset>(), before, DateTimeOffset.UtcNow.AddSeconds(5));
        await WaitForAsync(user, once, 1);

        // An update keeps the count, and the list agrees with the answer to the update.
        var updated = (await user.SendAsync(HttpMethod.Patch, $"/api/v1/secrets/{often}", """{"secret_value":"another value"}""")).MustBe(200).Json;
        Assert.Equal(50, updated["use_count"]!.GetValue<long>());
        var listed = (await user.GetAsync("/api/v1/secrets")).MustBe(200).Json["data"]!.AsArray().Single(secret => secret!["secret_id"]!.GetValue<Guid>() == often);
        Assert.Equal(50, listed!["use_count"]!.GetValue<long>());
    }

    [Fact]
    public async Task Late_counts_of_a_deleted_secret_are_ignored()
    {
        using var user = await server.NewUserAsync(Runtime);
        var kept = await user.CreateSecretAsync("kept", toolName: Tool, toolArg: "kept", isDefault: true);
        var gone = await user.CreateSecretAsync("gone", toolName: Tool, toolArg: "gone", isDefault: true);
        (await user.AskAsync(Resolve, Call())).MustBe(200);
        (await user.DeleteAsync($"/api/v1/secrets/{gone}")).MustBe(200);

        await WaitForAsync(user, kept, 1);
        (await user.AskAsync(Resolve, Call())).MustBe(200);
        await WaitForAsync(user, kept, 2);
        (await user.DeleteAsync($"/api/v1/secrets/{kept}")).MustBe(200);
        Assert.Equal(0, await server.ScalarAsync<long>("SELECT CAST(count(*) AS bigint) FROM secret_uses WHERE secret_id = @kept OR secret_id = @gone", ("kept", kept), ("gone", gone)));
    }

    private static async Task<JsonNode> WaitForAsync(ApiClient user, Guid id, long count)
    {
        var limit = DateTimeOffset.UtcNow + Behind;
        while (true)
        {
            var secret = (await user.GetAsync($"/api/v1/secrets/{id}")).MustBe(200).Json;
            var counted = secret["use_count"]?.GetValue<long>() ?? 0;
            if (counted == count)
            {
                return secret;
            }

            Assert.InRange(counted, 0, count);
            Assert.True(DateTimeOffset.UtcNow < limit, $"Counted {counted} of {count}.");
            await Task.Delay(100);
        }
    }
}
