using System.Text.Json.Nodes;
using Secrets.TestKit;

namespace Secrets.Api.Tests.V1;

/// <summary>Promise 7: quotas, unique names and single defaults hold under any concurrency.</summary>
public sealed class WritingConcurrently(ApiServer server)
{
    private const string Path = "/api/v1/secrets";

    [Fact]
    public async Task Concurrent_creates_succeed_up_to_the_quota()
    {
        using var user = await server.NewUserAsync();

        // 1,000 characters of two bytes each: 50 values fill the quota to the byte.
        const int Fits = 50;
        var value = new string('é', ApiServer.Quota / Fits / 2);

        var answers = await Task.WhenAll(Enumerable.Range(0, 200).Select(number => user.PostAsync(Path, Body($"n{number}", value))));

        Assert.All(answers, answer => Assert.True(answer.Status is 200 or 413, answer.ToString()));
        Assert.Equal(Fits, answers.Count(answer => answer.Status == 200));
        var usage = (await user.GetAsync("/api/v1/usage")).MustBe(200).Json;
        Assert.Equal(ApiServer.Quota, usage["bytes_used"]!.GetValue<int>());
        Assert.Equal(ApiServer.Quota, usage["bytes_quota"]!.GetValue<int>());
        Assert.Equal(Fits, usage["secrets"]!.GetValue<int>());
        Assert.Equal(Fits, (await user.GetAsync(Path)).Json["data"]!.AsArray().Count);
    }

    [Fact]
    public async Task One_of_50_concurrent_creates_of_a_name_succeeds()
    {
        using var user = await server.NewUserAsync();

        var answers = await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => user.PostAsync(Path, Body("the one", "some value"))));

        Assert.Equal(1, answers.Count(answer => answer.Status == 200));
        Assert.Equal(49, answers.Count(answer => answer.Status == 409));
        var usage = (await user.GetAsync("/api/v1/usage")).Json;
        Assert.Equal("some value".Length, usage["bytes_used"]!.GetValue<int>());
    }

    [Fact]
    public async Task One_of_50_concurrent_creates_of_a_default_succeeds_and_the_others_name_it()
    {
        using var user = await server.NewUserAsync();

        var answers = await Task.WhenAll(Enumerable.Range(0, 50).Select(number =>
        {
            var body = Body($"default {number}", "some value");
            body["tool_name"] = "agno__linear__*";
            body["tool_arg"] = "api_token";
            body["is_default_for_tool"] = true;
            return user.PostAsync(Path, body);
        }));

        var winner = Assert.Single(answers, answer => answer.Status == 200);
        var id = winner.Json["secret_id"]!.GetValue<string>();
        Assert.Equal(49, answers.Count(answer => answer.Status == 409 && answer.Body.Contains(id, StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Concurrent_updates_of_one_secret_are_all_kept()
    {
        using var user = await server.NewUserAsync();
        var id = await user.CreateSecretAsync("counted");

        var answers = await Task.WhenAll(Enumerable.Range(1, 50).Select(
            number => user.PatchAsync($"{Path}/{id}", new JsonObject { ["secret_value"] = new string('v', 3 + number) })));

        Assert.All(answers, answer => answer.MustBe(200));
        Assert.Equal(50, answers.Select(answer => answer.Headers.ETag!.Tag).Distinct(StringComparer.Ordinal).Count());
        Assert.Equal("\"51\"", (await user.GetAsync($"{Path}/{id}")).Headers.ETag!.Tag);
        var last = answers.Single(answer => answer.Headers.ETag!.Tag == "\"51\"");
        var lastValue = Array.IndexOf(answers, last) + 4;
        Assert.Equal(lastValue, (await user.GetAsync("/api/v1/usage")).Json["bytes_used"]!.GetValue<int>());
    }

    [Fact]
    public async Task One_of_20_conditional_updates_of_a_version_succeeds()
    {
        using var user = await server.NewUserAsync();
        var id = await user.CreateSecretAsync("guarded");

        var answers = await Task.WhenAll(Enumerable.Range(1, 20).Select(number =>
            user.SendAsync(HttpMethod.Patch, $"{Path}/{id}", $$"""{"secret_name":"guarded {{number}}"}""", ("If-Match", "\"1\""))));

        Assert.Equal(1, answers.Count(answer => answer.Status == 200));
        Assert.Equal(19, answers.Count(answer => answer.Status == 412));
    }

    [Fact]
    public async Task Concurrent_deletes_release_quota_once()
    {
        using var user = await server.NewUserAsync();
        var id = await user.CreateSecretAsync("once", "12345678");
        await user.CreateSecretAsync("other", "1234");

        var answers = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => user.DeleteAsync($"{Path}/{id}")));

        Assert.Equal(1, answers.Count(answer => answer.Status == 200));
        Assert.Equal(19, answers.Count(answer => answer.Status == 404));
        Assert.Equal(4, (await user.GetAsync("/api/v1/usage")).Json["bytes_used"]!.GetValue<int>());
    }

    [Fact]
    public async Task A_mixture_of_writes_keeps_the_accounts_exact()
    {
        using var user = await server.NewUserAsync();
        var random = new Random(20261121);
        var ids = new List<Guid>();
        for (var number = 0; number < 20; number++)
        {
            ids.Add(await user.CreateSecretAsync($"start {number}", new string('s', random.Next(4, 100))));
        }

        var work = Enumerable.Range(0, 120).Select(number => (number % 3, Id: ids[random.Next(ids.Count)], Size: random.Next(4, 1000))).ToList();
        var answers = await Task.WhenAll(work.Select((step, number) => step.Item1 switch
        {
            0 => user.PostAsync(Path, Body($"more {number % 30}", new string('m', step.Size))),
            1 => user.PatchAsync($"{Path}/{step.Id}", new JsonObject { ["secret_value"] = new string('p', step.Size) }),
            _ => user.DeleteAsync($"{Path}/{step.Id}"),
        }));

        Assert.All(answers, answer => Assert.True(answer.Status is 200 or 404 or 409 or 413, answer.ToString()));
        var stored = await server.ScalarAsync<long>(
            "SELECT CAST(coalesce(sum(size), 0) AS bigint) FROM secrets WHERE owner_id = @owner", ("owner", user.UserId.ToString()));
        Assert.Equal(stored, (await user.GetAsync("/api/v1/usage")).Json["bytes_used"]!.GetValue<long>());
    }

    private static JsonObject Body(string name, string value) => new() { ["secret_name"] = name, ["secret_value"] = value };
}
