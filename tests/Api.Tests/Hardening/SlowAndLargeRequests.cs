using System.Diagnostics;
using System.Text;
using System.Text.Json.Nodes;
using Secrets.Api.Tests.V1;
using Secrets.TestKit;

namespace Secrets.Api.Tests.Hardening;

[Collection(StrictCollection.Name)]
public sealed class SlowAndLargeRequests(StrictServer strict)
{
    private const string NotCancelled = "ignores lock hints, and does not interrupt a statement that waits.";

    private readonly ApiServer _server = strict.Server;

    [Fact]
    public async Task A_write_over_the_time_limit_is_cancelled_and_changes_nothing()
    {
        await TestDatabase.SkipOnBabelfishAsync(NotCancelled);
        using var user = await _server.NewUserAsync();
        var one = Answers.One(await user.CreateSecretAsync("before"));
        var before = (await user.GetAsync(one)).MustBe(200).Body;
        var change = new JsonObject { ["secret_name"] = "after" };

        await using (await HoldOwnerAsync(user))
        {
            var since = Stopwatch.GetTimestamp();
            var answer = (await user.PatchAsync(one, change)).MustBeError(503);
            Assert.InRange(Stopwatch.GetElapsedTime(since).TotalSeconds, StrictServer.Seconds - 0.1, StrictServer.Seconds + 10);
            Assert.Equal(TimeSpan.FromSeconds(1), answer.Headers.RetryAfter!.Delta);
            (await user.DeleteAsync(one)).MustBeError(503);
            Assert.Equal(before, (await user.GetAsync(one)).MustBe(200).Body);
        }

        Assert.Equal(before, (await user.GetAsync(one)).MustBe(200).Body);
        (await user.PatchAsync(one, change)).MustBe(200);
        Assert.Equal(2, await _server.ScalarAsync<long>("SELECT CAST(count(*) AS bigint) FROM audit WHERE actor = @id", ("id", user.UserId)));
    }

    [Fact]
    public async Task A_write_that_commits_after_the_time_limit_gets_a_full_answer()
    {
        using var user = await _server.NewUserAsync();
        await user.CreateSecretAsync("first");

        Task<Answer> pending;
        await using (await HoldOwnerAsync(user))
        {
            pending = user.PostAsync(Answers.Secrets, new JsonObject { ["secret_name"] = "late", ["secret_value"] = "some value" });
            await Task.Delay(TimeSpan.FromSeconds(StrictServer.Seconds + 1), TestContext.Current.CancellationToken);
            Assert.False(pending.IsCompleted);
        }

        var made = (await pending).MustBeSecret();
        Assert.Equal("late", made.Text("secret_name"));
        (await user.GetAsync(Answers.One(made.Id()))).MustBeSecret();
    }

    [Fact]
    public async Task A_resolve_that_commits_after_the_time_limit_gets_a_full_answer()
    {
        // More than one buffer holds: if the server stopped writing, the client would get a truncated 200.
        const int Count = 80;
        using var user = await _server.NewUserAsync("secrets:write", "secrets:resolve");
        for (var at = 0; at < Count; at++)
        {
            await user.CreateSecretAsync($"secret {at}", new string('v', 1_000), "late__tool", $"arg{at}", isDefault: true);
        }

        var call = new JsonObject { ["tool_name"] = "late__tool" };
        if (TestDatabase.IsSqlServer)
        {
            // The lock below blocks reads there, and an owner's first resolve reads the audit.
            (await user.AskAsync($"{Answers.Secrets}/resolve", call)).MustBe(200);
        }

        Task<Answer> pending;
        await using (await _server.HoldAsync(
            Sql.Of("LOCK TABLE audit IN EXCLUSIVE MODE", "ALTER TABLE audit ADD held int NULL")))
        {
            pending = user.AskAsync($"{Answers.Secrets}/resolve", call);
            await Task.Delay(TimeSpan.FromSeconds(StrictServer.Seconds + 1), TestContext.Current.CancellationToken);
            Assert.False(pending.IsCompleted);
        }

        Assert.Equal(Count, (await pending).MustBe(200).Json["values"]!.AsArray().Count);
    }

    public static TheoryData<string, string> ReadsThatHang => new()
    {
        { "LOCK TABLE api_keys IN ACCESS EXCLUSIVE MODE", "SELECT count(*) FROM api_keys WITH (TABLOCKX, HOLDLOCK)" }, // authenticating
        { "LOCK TABLE api_keys IN EXCLUSIVE MODE", "SELECT count(*) FROM api_keys WITH (TABLOCK, UPDLOCK, HOLDLOCK)" }, // recording the last use
        { "LOCK TABLE secrets IN ACCESS EXCLUSIVE MODE", "SELECT count(*) FROM secrets WITH (TABLOCKX, HOLDLOCK)" }, // selecting the secrets
    };

    [Theory]
    [MemberData(nameof(ReadsThatHang))]
    public async Task A_read_is_cancelled_at_the_time_limit_at_any_stage(string onPostgres, string onSqlServer)
    {
        await TestDatabase.SkipOnBabelfishAsync(NotCancelled);
        using var user = await _server.NewUserAsync("secrets:write", "secrets:resolve");
        using var other = await _server.NewUserAsync("secrets:write", "secrets:resolve");
        var call = new JsonObject { ["tool_name"] = "tool" };

        await using (await _server.HoldAsync(Sql.Of(onPostgres, onSqlServer)))
        {
            var since = Stopwatch.GetTimestamp();
            var begun = user.AskAsync($"{Answers.Secrets}/resolve", call);
            await Task.Delay(200, TestContext.Current.CancellationToken);
            var queued = other.AskAsync($"{Answers.Secrets}/resolve", call);

            Assert.All(await Task.WhenAll(begun, queued), answer => Assert.NotNull(answer.MustBeError(503).Headers.RetryAfter));
            Assert.InRange(Stopwatch.GetElapsedTime(since).TotalSeconds, StrictServer.Seconds - 0.1, StrictServer.Seconds + 5);
        }

        (await user.AskAsync($"{Answers.Secrets}/resolve", call)).MustBe(200);
        (await other.AskAsync($"{Answers.Secrets}/resolve", call)).MustBe(200);
    }

    [Theory]
    [InlineData("/health/live")]
    [InlineData("/openapi/v1.json")]
    public async Task Public_endpoints_do_not_wait_for_a_credential_lookup(string path)
    {
        using var user = await _server.NewUserAsync();
        await using (await _server.HoldAsync(
            Sql.Of("LOCK TABLE api_keys IN ACCESS EXCLUSIVE MODE", "SELECT count(*) FROM api_keys WITH (TABLOCKX, HOLDLOCK)")))
        {
            (await user.GetAsync(path)).MustBe(200);
        }
    }

    [Fact]
    public async Task Endless_headers_are_cut_off()
    {
        var since = Stopwatch.GetTimestamp();
        var slow = Enumerable.Range(0, 50).Select(_ => RawHttp.SendAsync(_server.Address, Bytes("GET /health/live HTTP/1.1\r\nHost: localhost\r\nX-Slow: "))).ToList();
        using var user = await _server.NewUserAsync();
        (await user.GetAsync(Answers.Secrets)).MustBe(200);

        Assert.All(await Task.WhenAll(slow), answer => Assert.Contains(answer.Status, (int[])[0, 408]));
        Assert.InRange(Stopwatch.GetElapsedTime(since).TotalSeconds, 8, 25);
    }

    [Fact]
    public async Task A_missing_body_times_out()
    {
        using var user = await _server.NewUserAsync();

        var answer = await RawHttp.SendAsync(_server.Address, Bytes(
            $"POST {Answers.Secrets} HTTP/1.1\r\nHost: localhost\r\nx-api-key: {user.Key}\r\nContent-Type: application/json\r\nContent-Length: 1000\r\nConnection: close\r\n\r\n{{\"secret_name\": "));

        Assert.Contains(answer.Status, (int[])[408, 503]);
        Assert.StartsWith("{\"detail\":", answer.Body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Giant_headers_and_too_many_headers_are_refused()
    {
        var giant = await RawHttp.SendAsync(_server.Address, Bytes($"GET /health/live HTTP/1.1\r\nHost: localhost\r\ntoken: {new string('x', 40_000)}\r\nConnection: close\r\n\r\n"));
        var many = string.Concat(Enumerable.Range(0, 150).Select(at => $"X-{at}: {at}\r\n"));
        var crowd = await RawHttp.SendAsync(_server.Address, Bytes($"GET /health/live HTTP/1.1\r\nHost: localhost\r\n{many}Connection: close\r\n\r\n"));
        var large = await RawHttp.SendAsync(_server.Address, Bytes($"GET /health/live HTTP/1.1\r\nHost: localhost\r\nX-Large: {new string('x', 20_000)}\r\nConnection: close\r\n\r\n"));

        Assert.Equal((431, 431, 200), (giant.Status, crowd.Status, large.Status));
        Assert.DoesNotContain("xxxx", giant.Head + giant.Body, StringComparison.Ordinal);
        Assert.DoesNotContain("Server:", giant.Head, StringComparison.OrdinalIgnoreCase);
    }

    [Theory]
    [InlineData("/health/live", "detail")]
    [InlineData("/api/v2/aihub/secrets", "message")]
    public async Task A_disallowed_host_is_refused_in_the_form_of_the_dialect(string path, string member)
    {
        var answer = await RawHttp.SendAsync(_server.Address, Bytes($"GET {path} HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n"));

        Assert.Equal(400, answer.Status);
        Assert.Contains("Cache-Control: no-store", answer.Head, StringComparison.Ordinal);
        Assert.Equal(member, Assert.Single(JsonNode.Parse(answer.Body)!.AsObject()).Key);
        Assert.DoesNotContain("evil.example", answer.Head + answer.Body, StringComparison.Ordinal);
    }

    private Task<IAsyncDisposable> HoldOwnerAsync(ApiClient user) =>
        _server.HoldAsync("UPDATE owners SET stamp = stamp WHERE id = @id", ("id", user.UserId.ToString()));

    private static ReadOnlyMemory<byte> Bytes(string text) => Encoding.ASCII.GetBytes(text);
}
