using System.Diagnostics;
using System.Net;
using System.Text.Json.Nodes;
using Microsoft.Extensions.DependencyInjection;
using Secrets.Api.Authentication;
using Secrets.Api.Tests.V1;
using Secrets.Domain.ApiKeys;
using Secrets.TestKit;
using Secrets.TestKit.Tokens;

namespace Secrets.Api.Tests.Hardening;

[Collection(StrictCollection.Name)]
public sealed class LimitingRates(StrictServer strict)
{
    private const string Path = "/api/v1/secrets";

    private const string TooSlow = "answers 160 requests at once too slowly to reach the limit before the budget grows again.";

    private static readonly TestKey Stranger = TestKey.For("ES256");

    private static readonly JsonObject Call = new() { ["tool_name"] = "tool" };

    private readonly ApiServer _server = strict.Server;

    [Fact]
    public async Task A_user_over_the_limit_gets_Retry_After_and_others_are_unaffected()
    {
        await TestDatabase.SkipOnBabelfishAsync(TooSlow);
        using var user = await _server.NewUserAsync("secrets:read", "secrets:resolve");
        using var same = await _server.NewKeyAsync(user.UserId, ["secrets:read"]);
        using var other = await _server.NewUserAsync();

        var answers = await TimesAsync(StrictServer.Requests + 40, () => user.GetAsync(Path));

        // The budget regains two requests each second.
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
    public async Task Refused_resolves_count_as_ordinary_requests()
    {
        await TestDatabase.SkipOnBabelfishAsync(TooSlow);
        using var user = await _server.NewUserAsync("secrets:read");

        var answers = await TimesAsync(StrictServer.Requests + 40, () => user.AskAsync($"{Path}/resolve", Call));

        Assert.InRange(answers.Count(answer => answer.Status == 403), StrictServer.Requests, StrictServer.Requests + 30);
        Assert.All(answers.Where(answer => answer.Status != 403), MustBeTooMany);
        MustBeTooMany(await user.GetAsync(Path));
    }

    [Fact]
    public async Task A_blocked_address_gets_429_but_its_valid_credentials_work()
    {
        const string Shared = "203.0.113.1";
        using var nobody = _server.Anonymous();
        await ExhaustAsync(Shared);

        using var next = _server.WithKey(ApiKeyText.Generate());
        MustBeTooMany(await FromAsync(next, Shared));
        (await FromAsync(next, Shared, "/health/live")).MustBe(200); // needs no credential
        (await FromAsync(nobody, Shared)).MustBeError(401);
        (await FromAsync(next, "203.0.113.2")).MustBeError(401);

        // Valid keys and tokens that the service sees for the first time, between guesses.
        var fresh = await Task.WhenAll(Enumerable.Range(0, 15).Select(async at =>
            at % 2 == 0 ? await _server.NewUserAsync() : _server.WithToken(_server.Issuer.Token(Guid.NewGuid()))));
        var guesses = Enumerable.Range(0, 100).Select(async at =>
        {
            using var guess = at % 2 == 0 ? _server.WithKey(ApiKeyText.Generate()) : _server.WithToken(Forged($"user {at}"));
            return await FromAsync(guess, Shared);
        }).ToList();
        var accepted = await Task.WhenAll(fresh.Select(client => FromAsync(client, Shared)));

        Assert.All(accepted, answer => answer.MustBe(200));
        var refused = (await Task.WhenAll(guesses)).ToLookup(answer => answer.Status);
        Assert.Equal(guesses.Count, refused[401].Count() + refused[429].Count());
        Assert.InRange(refused[401].Count(), 0, 3); // the budget regains one in ten seconds
        Array.ForEach(fresh, client => client.Dispose());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_repeated_wrong_credential_does_not_use_up_the_address_limit(bool isKey)
    {
        var address = isKey ? "203.0.113.8" : "203.0.113.9";
        using var stuck = isKey ? _server.WithKey(ApiKeyText.Generate()) : _server.WithToken(Forged("stuck"));
        using var other = isKey ? _server.WithKey(ApiKeyText.Generate()) : _server.WithToken(Forged("other"));

        var statuses = new List<int>();
        for (var at = 0; at < 2 * StrictServer.Failures; at++)
        {
            statuses.Add((await FromAsync(stuck, address)).Status);
        }

        Assert.Equal(Enumerable.Repeat(401, StrictServer.FailuresOfOne), statuses.Take(StrictServer.FailuresOfOne));
        Assert.All(statuses.Skip(StrictServer.FailuresOfOne), status => Assert.Equal(429, status));
        (await FromAsync(other, address)).MustBeError(401);
    }

    [Fact]
    public async Task Once_valid_credentials_get_401_at_a_blocked_address()
    {
        const string Shared = "203.0.113.10";
        using var expired = _server.WithToken(_server.Issuer.Token(Guid.NewGuid(), ("exp", IdentityProvider.In(TimeSpan.FromHours(-1)))));
        await ExhaustAsync(Shared);

        for (var at = 0; at < StrictServer.FailuresOfOne; at++)
        {
            (await FromAsync(expired, Shared)).MustBeError(401);
        }

        MustBeTooMany(await FromAsync(expired, Shared));
        (await FromAsync(expired, "203.0.113.2")).MustBeError(401);
    }

    [Fact]
    public async Task A_revoked_key_is_rate_limited_and_does_not_fill_the_audit()
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

        Assert.Equal(Enumerable.Repeat(401, StrictServer.FailuresOfOne), statuses.Take(StrictServer.FailuresOfOne));
        Assert.All(statuses.Skip(StrictServer.FailuresOfOne), status => Assert.Equal(429, status));
        Assert.Equal(StrictServer.FailuresOfOne, await _server.ScalarAsync<long>("SELECT CAST(count(*) AS bigint) FROM audit WHERE actor = @id", ("id", manager.UserId)));
    }

    [Fact]
    public async Task Invalid_credentials_at_readiness_count_toward_the_limit()
    {
        const string Ready = "/health/ready";
        using var guess = _server.WithKey("nonsense");
        using var @operator = _server.Operator();
        for (var at = 0; at < StrictServer.Failures; at++)
        {
            Assert.Null((await FromAsync(guess, "203.0.113.4", Ready)).MustBe(200).Json["integrity"]);
        }

        MustBeTooMany(await FromAsync(guess, "203.0.113.4"));
        Assert.NotNull((await FromAsync(@operator, "203.0.113.4", Ready)).MustBe(200).Json["integrity"]);
    }

    [Fact]
    public async Task An_IPv6_network_counts_as_one_address()
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
    public async Task An_address_where_too_many_requests_wait_gets_429_at_once()
    {
        const string Crowded = "203.0.113.11";
        const int CheckedAndWaiting = 10_004;
        using var fresh = await _server.NewUserAsync();
        await ExhaustAsync(Crowded);
        using var end = new CancellationTokenSource();
        var limit = _server.Services.GetRequiredService<ICredentialLimit>();
        var others = Enumerable.Range(1, CheckedAndWaiting).Select(credentials => limit.QueueAsync(IPAddress.Parse(Crowded), credentials, end.Token).AsTask()).ToList();

        foreach (var path in (string[])[Path, "/api/v1/nothing"])
        {
            var answer = (await FromAsync(fresh, Crowded, path)).MustBeError(429);
            Assert.Equal(TimeSpan.FromSeconds(1), answer.Headers.RetryAfter!.Delta);
            Assert.Empty(answer.Headers.WwwAuthenticate);
        }

        (await FromAsync(fresh, Crowded, "/health/live")).MustBe(200);
        await end.CancelAsync();
        foreach (var other in others.Where(other => other.IsCompletedSuccessfully))
        {
            (await other)!.Dispose();
        }

        (await FromAsync(fresh, Crowded)).MustBe(200);
    }

    [Fact]
    public async Task The_contract_is_rate_limited_and_health_is_not()
    {
        const string Curious = "203.0.113.6";
        using var nobody = _server.Anonymous();
        using var user = await _server.NewUserAsync();

        for (var at = 0; at < StrictServer.Anonymous; at++)
        {
            (await FromAsync(nobody, Curious, at % 2 == 0 ? "/openapi/v1.json" : "/swagger/index.html")).MustBe(200);
        }

        var asked = Stopwatch.GetTimestamp();
        MustBeTooMany(await FromAsync(nobody, Curious, "/openapi/v1.json"));
        Assert.True(Stopwatch.GetElapsedTime(asked).TotalMilliseconds >= 450, "The refusals are not delayed.");
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
        Assert.InRange(answer.Headers.RetryAfter!.Delta!.Value, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(60 / StrictServer.FailuresOfOne));
    }

    /// <summary>A token with the claims of the issuer and a foreign signature.</summary>
    private string Forged(string subject) => Token.Sign(Stranger, _server.Issuer.Claims(subject), header: new JsonObject { ["kid"] = _server.Issuer.Key.Id });

    /// <summary>Uses up the failed authentications of an address.</summary>
    private async Task ExhaustAsync(string address)
    {
        for (var at = 0; at < StrictServer.Failures; at++)
        {
            using var guess = _server.WithKey(ApiKeyText.Generate());
            (await FromAsync(guess, address)).MustBeError(401);
        }
    }

    private static Task<Answer> FromAsync(ApiClient client, string address, string path = Path) =>
        client.SendAsync(HttpMethod.Get, path, json: null, ("X-Forwarded-For", address));

    private static async Task<IReadOnlyList<Answer>> TimesAsync(int count, Func<Task<Answer>> send) =>
        await Task.WhenAll(Enumerable.Range(0, count).Select(_ => send()));
}
