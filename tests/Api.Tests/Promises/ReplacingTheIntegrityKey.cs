using System.Text.Json.Nodes;
using Secrets.TestKit;

namespace Secrets.Api.Tests.Promises;

/// <summary>A replica loads a new integrity key when it first meets a row that uses it, and raises no false alarm.</summary>
public sealed class ReplacingTheIntegrityKey(Replicas replicas) : IClassFixture<Replicas>
{
    private const string Secrets = "/api/v1/secrets";

    [Fact]
    public async Task Replicas_accept_rows_made_with_a_newer_key()
    {
        // On Babelfish, the first writes of twelve users would take longer than a request may.
        var count = await TestDatabase.IsBabelfishAsync() ? 4 : 12;
        for (var round = 0; round < 3; round++)
        {
            using var early = await UserAsync(round % Replicas.Count);
            var id = await early.CreateSecretAsync("n", "first value", "t", "a", isDefault: true);
            (await replicas[0].SendAsync(HttpMethod.Post, "/api/v1/encryption/rotate", """{"layer":"integrity"}""")).MustBe(200);

            var users = await Task.WhenAll(Enumerable.Range(0, count).Select(number => UseAsync(number % Replicas.Count, round)));
            Assert.All(users, done => Assert.True(done));
            for (var replica = 0; replica < Replicas.Count; replica++)
            {
                using var client = As(replica, early.Key!);
                (await client.PatchAsync($"{Secrets}/{id}", new JsonObject { ["secret_value"] = $"value {replica}" })).MustBe(200);
                var answer = (await client.AskAsync($"{Secrets}/resolve", """{"tool_name":"t"}""")).MustBe(200);
                Assert.Equal($"value {replica}", answer.Json["values"]![0]!["secret_value"]!.GetValue<string>());
            }
        }

        Assert.DoesNotContain("outside the service", replicas.Output, StringComparison.Ordinal);
    }

    private ApiClient As(int replica, string key) =>
        new(new HttpClient { BaseAddress = replicas[replica].Http.BaseAddress, DefaultRequestHeaders = { { "x-api-key", key } } }) { Key = key };

    private async Task<ApiClient> UserAsync(int replica)
    {
        var made = (await replicas[replica].PostAsync("/api/v1/api-keys", new JsonObject
        {
            ["name"] = "n",
            ["user_id"] = $"{Guid.NewGuid()}",
            ["scopes"] = new JsonArray("secrets:read", "secrets:write", "secrets:resolve"),
        })).MustBe(200);
        return As(replica, made.Json["key"]!.GetValue<string>());
    }

    /// <summary>Creates a user at one replica, then writes and resolves at the others.</summary>
    private async Task<bool> UseAsync(int replica, int round)
    {
        using var user = await UserAsync(replica);
        for (var step = 1; step <= 6; step++)
        {
            using var client = As((replica + step) % Replicas.Count, user.Key!);
            await client.CreateSecretAsync($"n{step}", $"value {round} {step}", $"t{step}", "a", isDefault: true);
            var answer = (await client.AskAsync($"{Secrets}/resolve", $$"""{"tool_name":"t{{step}}"}""")).MustBe(200);
            Assert.Equal($"value {round} {step}", answer.Json["values"]![0]!["secret_value"]!.GetValue<string>());
        }

        return true;
    }
}
