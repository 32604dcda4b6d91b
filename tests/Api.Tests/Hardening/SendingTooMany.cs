using System.Text.Json.Nodes;
using Secrets.Api.Tests.V1;
using Secrets.Domain.ApiKeys;
using Secrets.TestKit;

namespace Secrets.Api.Tests.Hardening;

[Collection(StrictCollection.Name)]
public sealed class SendingTooMany(StrictServer strict)
{
    private const string Path = "/api/v1/secrets";

    private static readonly JsonObject Call = new() { ["tool_name"] = "tool" };

    private readonly ApiServer _server = strict.Server;

    [Fact]
    public async Task A_user_over_the_limit_is_told_when_to_come_back_and_others_go_on()
    {
        using var user = await _server.NewUserAsync("secrets:read", "secrets:resolve");
        using var same = await _server.NewKeyAsync(user.UserId, ["secrets:read"]);
        using var other = await _server.NewUserAsync();

        var answers = await TimesAsync(StrictServer.Requests + 40, () => user.GetAsync(Path));

        // Two come back each second.
        Assert.InRange(answers.Count(answer => answer.Status == 200), StrictServer.Requests, StrictServer.Requests + 30);
        var refused = answers.Where(answer => answer.Status != 200).ToList();
        Assert.NotEmpty(refused);
        Assert.All(refused, MustBeTooMany);
        Assert.Contains((await TimesAsync(10, () => same.GetAsync(Path))), answer => answer.Status == 429);
        (await other.GetAsync(Path)).MustBe(200);
        (await user.AskAsync($"{Path}/resolve", Call)).MustBe(200);
        await Task.Delay(TimeSpan.FromSeconds(1.5), TestContext.Current.CancellationToken);
        (await user.GetAsync(Path)).MustBe(200);
        Assert.Equal(0, await _server.ScalarAsync<long>("SELECT CAST(count(*) AS bigint) FROM audit WHERE actor = @id", ("id", user.UserId)));
    }

    [Fact]
    public async Task Resolves_have_a_limit_of_their_own()
    {
        using var runtime = await _server.NewUserAsync("secrets:read", "secrets:resolve");

        var answers = await TimesAsync(StrictServer.Resolves + 40, () => runtime.AskAsync($"{Path}/resolve", Call));

        Assert.InRange(answers.Count(answer => answer.Status == 200), StrictServer.Resolves, StrictServer.Resolves + 30);
        Assert.All(answers.Where(answer => answer.Status != 200), MustBeTooMany);
        (await runtime.GetAsync(Path)).MustBe(200);
        (await runtime.AskAsync($"{Path}/resolve/explain", Call)).MustBe(200);
    }

    [Fact]
    public async Task Who_may_not_resolve_has_no_limit_of_its_own_for_being_refused()
    {
        using var user = await _server.NewUserAsync("secrets:read");

        var answers = await TimesAsync(StrictServer.Requests + 40, () => user.AskAsync($"{Path}/resolve", Call));

        Assert.InRange(answers.Count(answer => answer.Status == 403), StrictServer.Requests, StrictServer.Requests + 30);
        Assert.All(answers.Where(answer => answer.Status != 403), MustBeTooMany);
        MustBeTooMany(await user.GetAsync(Path));
    }

    [Fact]
    public async Task An_address_that_fails_too_often_waits_but_whoever_was_accepted_lately_does_not()
    {
        const string Shared = "203.0.113.1";
        using var known = await _server.NewUserAsync();
        using var fresh = await _server.NewUserAsync();
        using var nobody = _server.Anonymous();
        (await FromAsync(known, Shared)).MustBe(200);

        for (var at = 0; at < StrictServer.Failures; at++)
        {
            using var guess = _server.WithKey(ApiKeyText.Generate());
            (await FromAsync(guess, Shared)).MustBeError(401);
        }

        using var next = _server.WithKey(ApiKeyText.Generate());
        MustBeTooMany(await FromAsync(next, Shared));
        (await FromAsync(next, Shared, "/health/live")).MustBe(200); // where none is asked for
        MustBeTooMany(await FromAsync(fresh, Shared));
        (await FromAsync(known, Shared)).MustBe(200);
        (await FromAsync(nobody, Shared)).MustBeError(401);
        (await FromAsync(nobody, Shared, "/health/live")).MustBe(200);

        // Who was accepted and refused by the use case was accepted all the same.
        using var failing = await _server.NewUserAsync();
        (await FromAsync(failing, "203.0.113.2", $"{Path}/{Guid.NewGuid()}")).MustBeError(404);
        (await FromAsync(failing, Shared)).MustBe(200);

        // Elsewhere nobody waits, and who was accepted there is known here.
        (await FromAsync(next, "203.0.113.2")).MustBeError(401);
        (await FromAsync(fresh, "203.0.113.2")).MustBe(200);
        (await FromAsync(fresh, Shared)).MustBe(200);
    }

    [Fact]
    public async Task A_key_that_was_accepted_and_then_revoked_waits_like_any_other_and_does_not_fill_the_audit()
    {
        using var manager = await _server.NewUserAsync("secrets:read", "keys:manage");
        using var leaked = await _server.NewKeyAsync(manager.UserId, ["secrets:read"]);
        (await FromAsync(leaked, "203.0.113.3")).MustBe(200);
        using var @operator = _server.Operator();
        var id = await _server.ScalarAsync<Guid>("SELECT id FROM api_keys WHERE prefix = @prefix", ("prefix", leaked.Key![..17]));
        (await @operator.DeleteAsync($"/api/v1/api-keys/{id}")).MustBe(200);

        var statuses = new List<int>();
        for (var at = 0; at < 2 * StrictServer.Failures; at++)
        {
            statuses.Add((await FromAsync(leaked, "203.0.113.3")).Status);
        }

        Assert.Equal(Enumerable.Repeat(401, StrictServer.Failures), statuses.Take(StrictServer.Failures));
        Assert.Equal(Enumerable.Repeat(429, StrictServer.Failures), statuses.Skip(StrictServer.Failures));
        Assert.Equal(StrictServer.Failures, await _server.ScalarAsync<long>("SELECT CAST(count(*) AS bigint) FROM audit WHERE actor = @id", ("id", manager.UserId)));
    }

    [Fact]
    public async Task Readiness_looks_at_no_more_credentials_than_anything_else()
    {
        const string Ready = "/health/ready";
        using var guess = _server.WithKey("nonsense");
        using var @operator = _server.Operator();
        for (var at = 0; at < StrictServer.Failures; at++)
        {
            Assert.Null((await FromAsync(guess, "203.0.113.4", Ready)).MustBe(200).Json["integrity"]);
        }

        MustBeTooMany(await FromAsync(guess, "203.0.113.4"));
        Assert.Null((await FromAsync(@operator, "203.0.113.4", Ready)).MustBe(200).Json["integrity"]);
        Assert.NotNull((await FromAsync(@operator, "203.0.113.5", Ready)).MustBe(200).Json["integrity"]);
        Assert.NotNull((await FromAsync(@operator, "203.0.113.4", Ready)).MustBe(200).Json["integrity"]);
    }

    [Fact]
    public async Task A_network_of_ipv6_is_one_address()
    {
        using var guess = _server.WithKey("nonsense");
        for (var at = 1; at <= StrictServer.Failures; at++)
        {
            (await FromAsync(guess, $"2001:db8:1:2::{at}")).MustBeError(401);
        }

        MustBeTooMany(await FromAsync(guess, "2001:db8:1:2:ffff::1"));
        (await FromAsync(guess, "2001:db8:1:3::1")).MustBeError(401);
    }

    [Fact]
    public async Task An_address_may_ask_for_the_contract_so_often_and_for_health_without_end()
    {
        const string Curious = "203.0.113.6";
        using var nobody = _server.Anonymous();
        using var user = await _server.NewUserAsync();

        for (var at = 0; at < StrictServer.Anonymous; at++)
        {
            (await FromAsync(nobody, Curious, at % 2 == 0 ? "/openapi/v1.json" : "/swagger/index.html")).MustBe(200);
        }

        MustBeTooMany(await FromAsync(nobody, Curious, "/openapi/v1.json"));
        MustBeTooMany(await FromAsync(nobody, Curious, "/openapi/v1-3.0.json"));
        MustBeTooMany(await FromAsync(nobody, Curious, "/swagger/index.html"));
        MustBeTooMany(await FromAsync(user, Curious, "/openapi/v1.json"));
        (await FromAsync(user, Curious)).MustBe(200);
        (await FromAsync(nobody, "203.0.113.7", "/openapi/v1.json")).MustBe(200);
        for (var at = 0; at < 2 * StrictServer.Anonymous; at++)
        {
            (await FromAsync(nobody, Curious, "/health/live")).MustBe(200);
        }
    }

    private static void MustBeTooMany(Answer answer)
    {
        answer.MustBeError(429);
        Assert.InRange(answer.Headers.RetryAfter!.Delta!.Value, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(60 / StrictServer.Failures));
    }

    private static Task<Answer> FromAsync(ApiClient client, string address, string path = Path) =>
        client.SendAsync(HttpMethod.Get, path, json: null, ("X-Forwarded-For", address));

    private static async Task<IReadOnlyList<Answer>> TimesAsync(int count, Func<Task<Answer>> send) =>
        await Task.WhenAll(Enumerable.Range(0, count).Select(_ => send()));
}
