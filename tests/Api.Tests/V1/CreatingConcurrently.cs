using System.Text.Json.Nodes;
using Secrets.TestKit;

namespace Secrets.Api.Tests.V1;

/// <summary>Concurrent creates share a transaction, which must not be observable.</summary>
public sealed class CreatingConcurrently(ApiServer server)
{
    private const int Owners = 6;
    private const int CreatesOfEach = 120;
    private const int Large = 4 * 1024;

    [Fact]
    public async Task Concurrent_creates_end_as_if_sequential()
    {
        var random = new Random(20261121);
        var users = await Task.WhenAll(Enumerable.Range(0, Owners).Select(_ => server.NewUserAsync()));
        var attempts = users
            .SelectMany(user => Enumerable.Range(0, CreatesOfEach).Select(_ => Attempt.Of(user, random)))
            .OrderBy(_ => random.Next())
            .ToList();

        var outcomes = await Task.WhenAll(attempts.Select(async attempt =>
            (Attempt: attempt, Answer: await attempt.User.PostAsync("/api/v1/secrets/", attempt.Body))));

        foreach (var user in users)
        {
            var own = outcomes.Where(outcome => outcome.Attempt.User == user).ToList();
            var stored = own.Where(outcome => outcome.Answer.Status == 200).ToList();
            var list = (await user.GetAsync("/api/v1/secrets/")).MustBe(200).Json["data"]!.AsArray();
            var usage = (await user.GetAsync("/api/v1/usage")).MustBe(200).Json;
            var used = stored.Sum(outcome => outcome.Attempt.Size);

            Assert.Equal(
                stored.Select(outcome => outcome.Answer.Json["secret_id"]!.GetValue<string>()).Order(),
                list.Select(secret => secret!["secret_id"]!.GetValue<string>()).Order());
            Assert.Equal(used, usage["bytes_used"]!.GetValue<long>());
            Assert.InRange(used, 1, ApiServer.Quota);
            foreach (var (attempt, answer) in own)
            {
                switch (answer.Status)
                {
                    case 200:
                        break;
                    case 409:
                        Assert.Contains(stored, other => other.Attempt.Name == attempt.Name || other.Attempt.Tool == attempt.Tool);
                        break;
                    default:
                        // Usage only grows, so a create that did not fit earlier does not fit now.
                        answer.MustBe(413);
                        Assert.True(used + attempt.Size > ApiServer.Quota, answer.ToString());
                        break;
                }
            }
        }

        Assert.Equal([200, 409, 413], outcomes.Select(outcome => outcome.Answer.Status).Distinct().Order());
    }

    [Fact]
    public async Task A_failing_create_does_not_fail_others_of_its_group()
    {
        using var user = await server.NewUserAsync();
        await user.CreateSecretAsync("taken", "four");
        var names = Enumerable.Range(0, 400).Select(at => at % 40 == 39 ? "taken" : $"name {at}").ToList();

        var answers = await Task.WhenAll(names.Select(name => user.PostAsync("/api/v1/secrets/", new JsonObject
        {
            ["secret_name"] = name,
            ["secret_value"] = "four",
            ["tool_name"] = name,
            ["tool_arg"] = "token",
            ["is_default_for_tool"] = true,
        })));

        Assert.Equal(names.Select(name => name is "taken" ? 409 : 200), answers.Select(answer => answer.Status));
        Assert.Equal(391 * 4, (await user.GetAsync("/api/v1/usage")).MustBe(200).Json["bytes_used"]!.GetValue<long>());
    }

    private sealed record Attempt(ApiClient User, string Name, string Tool, int Size)
    {
        public JsonObject Body => new()
        {
            ["secret_name"] = Name,
            ["secret_value"] = Size == Large ? string.Concat(Enumerable.Repeat("🔑", Large / 4)) : new string('v', Size),
            ["tool_name"] = Tool,
            ["tool_arg"] = "token",
            ["is_default_for_tool"] = true,
        };

        public static Attempt Of(ApiClient user, Random random) => new(
            user, $"name-{random.Next(100)}", $"tool__{random.Next(100)}{(random.Next(4) == 0 ? "__*" : "")}", random.Next(2) == 0 ? Large : random.Next(4, 1024));
    }
}
