using System.Net.Http.Headers;
using System.Text.Json.Nodes;
using Secrets.Api.Tests.V1;
using Secrets.TestKit;
using static Secrets.Api.Tests.V1.ToolCalls;

namespace Secrets.Api.Tests.Promises;

/// <summary>The cache of a replica grants no right and releases no value that a change at another replica removed (promises 3 and 4).</summary>
public sealed class CachingAcrossReplicas(Replicas replicas) : IClassFixture<Replicas>
{
    private const string Keys = "/api/v1/api-keys";

    [Theory]
    [InlineData("""{"tool_name":"agno__linear__get","tool_args":["a"]}""")]
    [InlineData("""{"tool_name":"agno__linear__get","tool_args":["nothing for this"]}""")]
    [InlineData("""{"tool_name":"agno__linear__get","tool_args":7}""")]
    [InlineData("""{"tool_name":""}""")]
    [InlineData("""{"tool_name":"agno__linear__get","organization_id":"not there","workspace":"\ud800"}""")]
    [InlineData("not JSON")]
    [InlineData("not JSON", "text/plain")]
    [InlineData("""{"tool_name":"agno__linear__get"}""", "application/json; charset=utf-16")]
    public async Task A_key_revoked_at_another_replica_is_refused_for_every_request(string body, string contentType = "application/json")
    {
        var (id, here) = await NewRuntimeAsync();
        using var runtime = here;
        for (var count = 0; count < 3; count++)
        {
            Assert.Equal(["a=the value"], (await runtime.AskAsync(Resolve, Call(["a"], user: runtime.UserId))).Lines());
        }

        (await replicas[1].DeleteAsync($"{Keys}/{id}")).MustBe(200);
        var refused = await AskAsync();

        refused.MustBeError(401);
        Assert.Equal("Bearer error=\"invalid_token\"", Assert.Single(refused.Headers.GetValues("WWW-Authenticate")));
        (await AskAsync()).MustBeError(401);
        var denials = (await replicas[2].GetAsync("/api/v1/audit?action=authenticate&limit=200")).MustBe(200).Json["data"]!.AsArray();
        Assert.Equal(2, denials.Count(row => row!["key_id"]?.GetValue<string>() == id.ToString()));

        async Task<Answer> AskAsync()
        {
            using var content = new StringContent(body) { Headers = { ContentType = MediaTypeHeaderValue.Parse(contentType) } };
            return await runtime.SendAsync(HttpMethod.Post, Resolve, content);
        }
    }

    [Fact]
    public async Task A_revoked_key_without_the_scope_is_refused_and_audited_once()
    {
        var user = Guid.NewGuid();
        var made = await MakeKeyAsync(user, "secrets:read");
        var id = made["id"]!.GetValue<Guid>();
        using var reader = NewClient(0, made.Text("key")!, user);
        (await reader.AskAsync(Resolve, Call(["a"]))).MustBeError(403);
        (await reader.AskAsync(Resolve, Call(["a"]))).MustBeError(403);

        (await replicas[1].DeleteAsync($"{Keys}/{id}")).MustBe(200);
        (await reader.AskAsync(Resolve, Call(["a"]))).MustBeError(401);

        var denials = (await replicas[2].GetAsync($"/api/v1/audit?actor={user}&limit=200")).MustBe(200).Json["data"]!.AsArray()
            .Select(row => row!["action"]!.GetValue<string>());
        Assert.Equal(["authenticate", "secret.resolve", "secret.resolve"], denials);
    }

    [Fact]
    public async Task A_key_rotated_at_another_replica_ends_after_its_grace_period()
    {
        var (id, here) = await NewRuntimeAsync();
        using var runtime = here;
        (await runtime.AskAsync(Resolve, Call(["a"], user: runtime.UserId))).MustBe(200);

        (await replicas[1].PostAsync($"{Keys}/{id}/rotate", new JsonObject { ["grace_seconds"] = 0 })).MustBe(200);

        (await runtime.AskAsync(Resolve, Call(["a"], user: runtime.UserId))).MustBeError(401);
    }

    [Fact]
    public async Task Changes_at_another_replica_apply_immediately()
    {
        var (_, here) = await NewRuntimeAsync();
        using var runtime = here;
        using var elsewhere = await UserOfAsync(runtime, replica: 1);
        Assert.Equal(["a=the value"], await LinesAsync());

        var id = await elsewhere.CreateSecretAsync("nearer", "the nearer value", "agno__*", "a", isDefault: true);
        Assert.Equal(["a=the nearer value"], await LinesAsync());
        (await elsewhere.PatchAsync(Answers.One(id), new JsonObject { ["secret_value"] = "the next value" })).MustBe(200);
        Assert.Equal(["a=the next value"], await LinesAsync());
        (await elsewhere.PatchAsync(Answers.One(id), new JsonObject { ["is_default_for_tool"] = false })).MustBe(200);
        Assert.Equal(["a=the value"], await LinesAsync());
        (await elsewhere.DeleteAsync(Answers.One((await elsewhere.GetAsync(Answers.Secrets)).MustBeList().Single(one => one.Text("secret_name") == "wide").Id())))
            .MustBe(200);
        Assert.Equal(["a: no_default"], await LinesAsync());
        await elsewhere.CreateSecretAsync("another", "the last value", "*", "a", isDefault: true);
        Assert.Equal(["a=the last value"], await LinesAsync());

        async Task<IReadOnlyList<string>> LinesAsync() => (await runtime.AskAsync(Resolve, Call(["a"], user: runtime.UserId))).Lines();
    }

    [Fact]
    public async Task Only_stale_resolves_of_a_batch_are_repeated()
    {
        // Each batch holds resolves of an owner that changes constantly and of one that never changes.
        var (_, one) = await NewRuntimeAsync();
        var (_, other) = await NewRuntimeAsync();
        using var changing = one;
        using var still = other;
        using var elsewhere = await UserOfAsync(changing, replica: 1);
        var id = (await elsewhere.GetAsync(Answers.Secrets)).MustBeList().Single().Id();
        var newest = 0;
        using var stop = new CancellationTokenSource();
        var changes = Task.Run(async () =>
        {
            for (var number = 1; !stop.IsCancellationRequested; number++)
            {
                (await elsewhere.PatchAsync(Answers.One(id), new JsonObject { ["secret_value"] = $"the value {number}" })).MustBe(200);
                Volatile.Write(ref newest, number);
            }
        });
        try
        {
            do
            {
                await Parallel.ForAsync(0, 2_000, new ParallelOptions { MaxDegreeOfParallelism = 16 }, async (number, _) =>
                {
                    if (number % 2 == 0)
                    {
                        Assert.Equal(["a=the value"], (await still.AskAsync(Resolve, Call(["a"], user: still.UserId))).Lines());
                        return;
                    }

                    var before = Volatile.Read(ref newest);
                    var line = Assert.Single((await changing.AskAsync(Resolve, Call(["a"], user: changing.UserId))).Lines());
                    Assert.True(before == 0 || int.Parse(line.Split(' ')[^1], System.Globalization.CultureInfo.InvariantCulture) >= before, $"{line}, after {before}");
                });
            }
            while (Volatile.Read(ref newest) <= 20 && !changes.IsCompleted);
        }
        finally
        {
            await stop.CancelAsync();
            await changes;
        }
    }

    /// <summary>Creates a user with one default and a key that may resolve. Returns the id of the key and its client of the first replica.</summary>
    private async Task<(Guid KeyId, ApiClient Client)> NewRuntimeAsync()
    {
        var user = Guid.NewGuid();
        var made = await MakeKeyAsync(user, "secrets:resolve");
        var client = NewClient(0, made.Text("key")!, user);
        using var writer = await UserOfAsync(client, replica: 0);
        await writer.CreateSecretAsync("wide", "the value", "*", "a", isDefault: true);
        return (made["id"]!.GetValue<Guid>(), client);
    }

    private async Task<ApiClient> UserOfAsync(ApiClient runtime, int replica) =>
        NewClient(replica, (await MakeKeyAsync(runtime.UserId, "secrets:read", "secrets:write")).Text("key")!, runtime.UserId);

    private async Task<JsonNode> MakeKeyAsync(Guid user, params string[] scopes) => (await replicas[0].PostAsync(Keys, new JsonObject
    {
        ["name"] = "a key",
        ["user_id"] = user.ToString(),
        ["scopes"] = new JsonArray([.. scopes.Select(scope => (JsonNode)scope)]),
    })).MustBe(200).Json;

    private ApiClient NewClient(int replica, string key, Guid user)
    {
        var http = new HttpClient { BaseAddress = replicas[replica].Http.BaseAddress };
        http.DefaultRequestHeaders.Add("x-api-key", key);
        return new ApiClient(http) { Key = key, UserId = user };
    }
}
