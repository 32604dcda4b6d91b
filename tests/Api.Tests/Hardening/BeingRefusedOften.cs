using System.Text.Json.Nodes;
using Secrets.Api.Tests.V1;
using Secrets.TestKit;

namespace Secrets.Api.Tests.Hardening;

/// <summary>Refusals are in the audit, and cannot fill it.</summary>
public sealed class BeingRefusedOften(BeingRefusedOften.OwnServer own) : IClassFixture<BeingRefusedOften.OwnServer>
{
    private const int Budget = 10;
    private const int Excess = 40;

    private readonly ApiServer _server = own.Server;

    [Fact]
    public async Task Past_the_budget_a_caller_gets_429_and_one_row_says_how_many_were_left_out()
    {
        using var user = await _server.NewUserAsync("secrets:read", "audit:read");
        using var other = await _server.NewUserAsync();
        var id = await other.CreateSecretAsync("of another");

        var answers = (await Task.WhenAll(Enumerable.Range(0, Budget + Excess).Select(at => (at % 3) switch
        {
            0 => user.GetAsync(Answers.One(Guid.NewGuid())),
            1 => user.DeleteAsync(Answers.One(id)),
            _ => user.AskAsync($"{Answers.Secrets}/resolve", new JsonObject { ["tool_name"] = "tool", ["user_id"] = user.UserId.ToString() }),
        }))).ToLookup(answer => answer.Status);

        Assert.Equal((Budget, Excess), (answers[404].Count() + answers[403].Count(), answers[429].Count()));
        Assert.All(answers[429], answer => Assert.InRange(answer.MustBeError(429).Headers.RetryAfter!.Delta!.Value, TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(1)));
        Assert.Equal(Budget, await RowsOfAsync(user.UserId));

        // Whatever is not refused goes on, and so do others.
        (await user.GetAsync(Answers.Secrets)).MustBe(200);
        (await other.GetAsync(Answers.One(Guid.NewGuid()))).MustBeError(404);

        await _server.CloseDenialsAsync();
        Assert.Equal(Budget + 1, await RowsOfAsync(user.UserId));
        var row = Assert.Single((await user.GetAsync("/api/v1/audit?action=denials.left_out")).MustBe(200).Json["data"]!.AsArray())!;
        Assert.Equal((Excess, "denied"), (row["left_out"]!.GetValue<int>(), row.Text("outcome")));
        Assert.Equal((await user.GetAsync("/api/v1/me")).Json["credential"]!.Text("id"), row.Text("key_id"));
        Assert.Equal(user.UserId.ToString(), row.Text("actor"));
        Assert.All((await user.GetAsync("/api/v1/audit")).MustBe(200).Json["data"]!.AsArray().Skip(1), denial => Assert.Null(denial!["left_out"]));
        (await user.GetAsync(Answers.One(Guid.NewGuid()))).MustBeError(404);
        using var @operator = _server.Operator();
        Assert.True((await @operator.GetAsync("/api/v1/audit/verify")).MustBe(200).Json["ok"]!.GetValue<bool>());
    }

    [Fact]
    public async Task A_revoked_key_has_a_budget_of_its_own_wherever_it_comes_from()
    {
        using var user = await _server.NewUserAsync();
        using var revoked = await _server.NewKeyAsync(user.UserId, ["secrets:read"]);
        var id = await _server.ScalarAsync<Guid>("SELECT id FROM api_keys WHERE prefix = @prefix", ("prefix", revoked.Key![..17]));
        using var @operator = _server.Operator();
        (await @operator.DeleteAsync($"/api/v1/api-keys/{id}")).MustBe(200);

        var answers = (await Task.WhenAll(Enumerable.Range(0, Budget + Excess).Select(at =>
            revoked.SendAsync(HttpMethod.Get, Answers.Secrets, json: null, ("X-Forwarded-For", $"203.0.113.{at}"))))).ToLookup(answer => answer.Status);

        Assert.Equal((Budget, Excess), (answers[401].Count(), answers[429].Count()));
        (await user.GetAsync(Answers.One(Guid.NewGuid()))).MustBeError(404);
        Assert.Equal(Budget + 1, await RowsOfAsync(user.UserId));
        await _server.CloseDenialsAsync();
        Assert.Equal(Excess, await _server.ScalarAsync<int>("SELECT left_out FROM audit WHERE actor = @id AND key_id = @key AND left_out IS NOT NULL", ("id", user.UserId), ("key", id)));
    }

    [Fact]
    public async Task What_the_limit_of_an_address_left_out_is_counted_too()
    {
        using var user = await _server.NewUserAsync();
        using var revoked = await _server.NewKeyAsync(user.UserId, ["secrets:read"]);
        var id = await _server.ScalarAsync<Guid>("SELECT id FROM api_keys WHERE prefix = @prefix", ("prefix", revoked.Key![..17]));
        using var @operator = _server.Operator();
        (await @operator.DeleteAsync($"/api/v1/api-keys/{id}")).MustBe(200);

        for (var at = 0; at < OwnServer.OfOneCredential + 3; at++)
        {
            (await revoked.GetAsync(Answers.Secrets)).MustBe(at < OwnServer.OfOneCredential ? 401 : 429);
        }

        await _server.CloseDenialsAsync();
        Assert.Equal(3, await _server.ScalarAsync<int>("SELECT left_out FROM audit WHERE actor = @id AND left_out IS NOT NULL", ("id", user.UserId)));
    }

    [Fact]
    public async Task A_clean_stop_writes_what_was_left_out()
    {
        using var installation = await Installation.NewAsync();
        await installation.MakeAsync();
        (string, string?)[] settings = [("Audit__DenialsPerMinute", "5")];
        await using (var before = installation.StartHere(settings: settings))
        {
            using var caller = await before.ClientAsync(Installation.Key);
            for (var at = 0; at < 8; at++)
            {
                (await caller.GetAsync(Answers.One(Guid.NewGuid()))).MustBe(at < 5 ? 404 : 429);
            }

            Assert.Equal(0, await before.StopAsync());
        }

        await using var service = installation.StartHere(settings: settings);
        using var same = await service.ClientAsync(Installation.Key);
        var row = Assert.Single((await same.GetAsync("/api/v1/audit?action=denials.left_out")).MustBe(200).Json["data"]!.AsArray())!;
        Assert.Equal(3, row["left_out"]!.GetValue<int>());
        Assert.True((await same.GetAsync("/api/v1/audit/verify")).MustBe(200).Json["ok"]!.GetValue<bool>());
    }

    private Task<int> RowsOfAsync(Guid actor) => _server.ScalarAsync<int>("SELECT CAST(count(*) AS int) FROM audit WHERE actor = @id", ("id", actor));

    /// <summary>A server with a budget that a test can reach, whose windows close when a test says so.</summary>
    public sealed class OwnServer : IAsyncLifetime
    {
        /// <summary>How often one credential may be refused to one address.</summary>
        public const int OfOneCredential = 7;

        public ApiServer Server { get; } = ApiServer.With(
            ("Audit:DenialsPerMinute", $"{Budget}"),
            ("Limits:FailedAuthenticationsPerMinute", "1000"),
            ("Limits:FailuresPerCredentialPerMinute", $"{OfOneCredential}"),
            ("Proxies:Known", "127.0.0.1"));

        public ValueTask InitializeAsync()
        {
            Server.Clock = new WithoutMinutes();
            return Server.InitializeAsync();
        }

        public ValueTask DisposeAsync() => Server.DisposeAsync();
    }

    /// <summary>The machine's clock, on which nothing happens every minute.</summary>
    private sealed class WithoutMinutes : TimeProvider
    {
        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
            period == TimeSpan.FromMinutes(1) ? System.CreateTimer(callback, state, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan) : System.CreateTimer(callback, state, dueTime, period);
    }
}
