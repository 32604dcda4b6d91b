using System.Text.Json.Nodes;
using Secrets.Api.Tests.V1;
using Secrets.TestKit;

namespace Secrets.Api.Tests.Hardening;

/// <summary>Refusals are audited, but a budget keeps them from filling the audit.</summary>
public sealed class LimitingDenials(LimitingDenials.OwnServer own) : IClassFixture<LimitingDenials.OwnServer>
{
    private const int Budget = 10;
    private const int Excess = 40;

    // The number of credentials of a caller that are counted separately (OmittedDenials.MaxPerCaller).
    private const int Credentials = 16;

    private readonly ApiServer _server = own.Server;

    [Fact]
    public async Task Over_budget_callers_get_429_and_one_row_counts_omitted_denials()
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
        Assert.All(answers[429], answer => Assert.Equal("Too many requests were refused. Try again later.", answer.Json.Text("detail")));
        Assert.All(answers[429], answer => Assert.InRange(answer.MustBeError(429).Headers.RetryAfter!.Delta!.Value, TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(1)));
        Assert.Equal(Budget, await RowsOfAsync(user.UserId));

        // Allowed requests of the caller and requests of others still work.
        (await user.GetAsync(Answers.Secrets)).MustBe(200);
        (await other.GetAsync(Answers.One(Guid.NewGuid()))).MustBeError(404);

        await _server.WriteLeftOutDenialsAsync();
        Assert.Equal(Budget + 1, await RowsOfAsync(user.UserId));
        var row = Assert.Single((await user.GetAsync("/api/v1/audit?action=denials.left_out")).MustBe(200).Json["data"]!.AsArray())!;
        Assert.Equal((Excess, "denied"), (row["left_out"]!.GetValue<int>(), row.Text("outcome")));
        Assert.Equal((await user.GetAsync("/api/v1/me")).Json["credential"]!.Text("id"), row.Text("key_id"));
        Assert.Equal(user.UserId.ToString(), row.Text("actor"));
        Assert.All((await user.GetAsync("/api/v1/audit")).MustBe(200).Json["data"]!.AsArray().Skip(1), denial => Assert.Null(denial!["left_out"]));
        own.NextMinute();
        (await user.GetAsync(Answers.One(Guid.NewGuid()))).MustBeError(404);
        using var @operator = _server.Operator();
        Assert.True((await @operator.GetAsync("/api/v1/audit/verify")).MustBe(200).Json["ok"]!.GetValue<bool>());
    }

    [Fact]
    public async Task A_revoked_key_has_one_budget_across_all_addresses()
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
        await _server.WriteLeftOutDenialsAsync();
        Assert.Equal(Excess, await _server.ScalarAsync<int>("SELECT left_out FROM audit WHERE actor = @id AND key_id = @key AND left_out IS NOT NULL", ("id", user.UserId), ("key", id)));
    }

    [Fact]
    public async Task Revoked_keys_of_a_user_share_one_budget_and_write_few_rows()
    {
        const int others = Credentials + 4;
        using var user = await _server.NewUserAsync();
        using var @operator = _server.Operator();
        List<ApiClient> revoked = [];
        for (var at = 0; at <= others; at++)
        {
            var key = await _server.NewKeyAsync(user.UserId, ["secrets:read"]);
            var id = await _server.ScalarAsync<Guid>("SELECT id FROM api_keys WHERE prefix = @prefix", ("prefix", key.Key![..17]));
            (await @operator.DeleteAsync($"/api/v1/api-keys/{id}")).MustBe(200);
            revoked.Add(key);
        }

        for (var at = 0; at < Budget; at++)
        {
            (await SendAsync(revoked[0], at)).MustBe(401);
        }

        for (var at = 1; at <= others; at++)
        {
            Assert.Equal("Too many requests were refused. Try again later.", (await SendAsync(revoked[at], Budget + at)).MustBeError(429).Json.Text("detail"));
        }

        (await user.GetAsync(Answers.One(Guid.NewGuid()))).MustBeError(404);
        await _server.WriteLeftOutDenialsAsync();
        Assert.Equal(Budget + 1 + Credentials + 1, await RowsOfAsync(user.UserId));
        Assert.Equal(others - Credentials, await _server.ScalarAsync<int>("SELECT left_out FROM audit WHERE actor = @id AND key_id IS NULL", ("id", user.UserId)));
        revoked.ForEach(key => key.Dispose());

        static Task<Answer> SendAsync(ApiClient client, int address) =>
            client.SendAsync(HttpMethod.Get, Answers.Secrets, json: null, ("X-Forwarded-For", $"203.0.113.{address}"));
    }

    [Fact]
    public async Task An_admin_sees_omitted_denials_of_the_organisation()
    {
        var organization = ToolCalls.NewOrganization();
        using var admin = await _server.NewKeyAsync(Guid.NewGuid(), ["secrets:read", "audit:read"], organization, "admin");
        using var member = await _server.NewKeyAsync(Guid.NewGuid(), ["secrets:read", "secrets:write"], organization, "member");
        for (var at = 0; at < Budget + 3; at++)
        {
            (await member.PostAsync($"{Answers.Secrets}?organization_id={organization}", Body())).MustBe(at < Budget ? 403 : 429);
        }

        (await member.GetAsync(Answers.One(Guid.NewGuid()))).MustBe(429);
        await _server.WriteLeftOutDenialsAsync();
        var row = Assert.Single((await admin.GetAsync("/api/v1/audit?action=denials.left_out")).MustBe(200).Json["data"]!.AsArray())!;
        Assert.Equal((3, organization, member.UserId.ToString()), (row["left_out"]!.GetValue<int>(), row["owner"]!.Text("id"), row.Text("actor")));
    }

    [Fact]
    public async Task A_backend_has_a_budget_per_user_and_each_user_sees_omitted_denials()
    {
        using var backend = await _server.NewUserAsync("secrets:read", "users:act");
        using var first = await _server.NewUserAsync("secrets:read", "audit:read");
        for (var at = 0; at < Budget + 3; at++)
        {
            (await backend.GetAsync(MissingOf(first.UserId))).MustBe(at < Budget ? 404 : 429);
        }

        // Other users have their own budgets, up to ten budgets in total.
        for (var at = 0; at < Budget * 9; at++)
        {
            (await backend.GetAsync(MissingOf(Guid.NewGuid()))).MustBe(404);
        }

        (await backend.GetAsync(MissingOf(Guid.NewGuid()))).MustBe(429);
        await _server.WriteLeftOutDenialsAsync();
        var row = Assert.Single((await first.GetAsync("/api/v1/audit?action=denials.left_out")).MustBe(200).Json["data"]!.AsArray())!;
        Assert.Equal((3, first.UserId.ToString(), backend.UserId.ToString()), (row["left_out"]!.GetValue<int>(), row["owner"]!.Text("id"), row.Text("actor")));
    }

    [Fact]
    public async Task Callers_without_users_act_share_one_budget_across_named_users()
    {
        using var user = await _server.NewUserAsync();
        for (var at = 0; at < Budget + 3; at++)
        {
            (await user.GetAsync(MissingOf(Guid.NewGuid()))).MustBe(at < Budget ? 403 : 429);
        }
    }

    [Fact]
    public async Task Denials_over_the_address_limit_are_counted()
    {
        using var user = await _server.NewUserAsync();
        using var revoked = await _server.NewKeyAsync(user.UserId, ["secrets:read"]);
        var id = await _server.ScalarAsync<Guid>("SELECT id FROM api_keys WHERE prefix = @prefix", ("prefix", revoked.Key![..17]));
        using var @operator = _server.Operator();
        (await @operator.DeleteAsync($"/api/v1/api-keys/{id}")).MustBe(200);

        for (var at = 0; at < OwnServer.PerCredential + 3; at++)
        {
            (await revoked.GetAsync(Answers.Secrets)).MustBe(at < OwnServer.PerCredential ? 401 : 429);
        }

        await _server.WriteLeftOutDenialsAsync();
        Assert.Equal(3, await _server.ScalarAsync<int>("SELECT left_out FROM audit WHERE actor = @id AND left_out IS NOT NULL", ("id", user.UserId)));
    }

    [Fact]
    public async Task A_clean_stop_writes_omitted_denials()
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

    private static string MissingOf(Guid userId) => $"{Answers.One(Guid.NewGuid())}?user_id={userId}";

    private static JsonObject Body() => new() { ["secret_name"] = "n", ["secret_value"] = "a value" };

    private Task<int> RowsOfAsync(Guid actor) => _server.ScalarAsync<int>("SELECT CAST(count(*) AS int) FROM audit WHERE actor = @id", ("id", actor));

    /// <summary>A server with a small budget and a clock that the tests move.</summary>
    public sealed class OwnServer : IAsyncLifetime
    {
        /// <summary>The number of refusals for one credential from one address.</summary>
        public const int PerCredential = 7;

        private readonly TestClock _clock = new();

        public ApiServer Server { get; } = ApiServer.With(
            ("Audit:DenialsPerMinute", $"{Budget}"),
            ("Limits:FailedAuthenticationsPerMinute", "1000"),
            ("Limits:FailuresPerCredentialPerMinute", $"{PerCredential}"),
            ("Proxies:Known", "127.0.0.1"));

        public ValueTask InitializeAsync()
        {
            Server.Clock = _clock;
            return Server.InitializeAsync();
        }

        public void NextMinute() => _clock.Skipped += TimeSpan.FromMinutes(1);

        public ValueTask DisposeAsync() => Server.DisposeAsync();
    }

    /// <summary>The system clock plus skipped time. Its timers do not run every minute.</summary>
    private sealed class TestClock : TimeProvider
    {
        public TimeSpan Skipped { get; set; }

        public override long GetTimestamp() => System.GetTimestamp() + (long)(Skipped.TotalSeconds * TimestampFrequency);

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
            period == TimeSpan.FromMinutes(1) ? System.CreateTimer(callback, state, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan) : System.CreateTimer(callback, state, dueTime, period);
    }
}
