using System.Text.Json.Nodes;
using Secrets.TestKit;

namespace Secrets.Api.Tests.V1;

/// <summary>A key does not outlive the key that created it, and a cascade revokes both.</summary>
public sealed class KeysMadeByKeys(ApiServer server)
{
    private const string Path = "/api/v1/api-keys";

    [Fact]
    public async Task A_key_creates_no_key_that_outlives_it()
    {
        using var manager = await server.NewUserAsync("secrets:read", "keys:manage");
        var end = DateTimeOffset.UtcNow.AddMinutes(10);
        var (maker, id) = await MakeAsync(manager, end);

        using (maker)
        {
            (await maker.PostAsync(Path, Body())).MustBeInvalid("body.expires_at: missing");
            (await maker.PostAsync(Path, Body(end.AddMicroseconds(1)))).MustBeInvalid("body.expires_at: value_error");
            var made = (await maker.PostAsync(Path, Body(end))).MustBe(200).Json;
            Assert.Equal(Moment(end), made.Text("expires_at"));
            Assert.Equal(id.ToString(), made.Text("created_by_key"));

            (await maker.PostAsync($"{Path}/{id}/rotate", new JsonObject { ["expires_at"] = "2099-01-01T00:00:00Z" })).MustBeInvalid("body.expires_at: value_error");
            var next = (await maker.PostAsync($"{Path}/{id}/rotate", new JsonObject())).MustBe(200).Json;
            Assert.Equal(Moment(end), next.Text("expires_at"));
        }
    }

    [Fact]
    public async Task A_token_creates_keys_of_at_most_one_year()
    {
        using var bearer = server.WithToken(server.Issuer.Token(Guid.NewGuid(), ("scope", "secrets:read keys:manage")));

        (await bearer.PostAsync(Path, Body())).MustBeInvalid("body.expires_at: missing");
        (await bearer.PostAsync(Path, Body(DateTimeOffset.UtcNow.AddDays(366)))).MustBeInvalid("body.expires_at: value_error");
        var made = (await bearer.PostAsync(Path, Body(DateTimeOffset.UtcNow.AddDays(364)))).MustBe(200).Json;
        Assert.Null(made["created_by_key"]);
    }

    [Fact]
    public async Task Requests_with_several_keys_cannot_create_or_rotate_keys()
    {
        using var manager = await server.NewUserAsync("secrets:read", "keys:manage");
        using var other = await server.NewKeyAsync(manager.UserId, ["secrets:read", "keys:manage"]);
        var beside = ("Authorization", $"Bearer {other.Key}");

        (await manager.SendAsync(HttpMethod.Post, Path, Body().ToJsonString(), beside)).MustBeError(403);
        (await manager.SendAsync(HttpMethod.Post, $"{Path}/{await IdAsync(other)}/rotate", "{}", beside)).MustBeError(403);
        (await manager.SendAsync(HttpMethod.Get, Path, json: null, beside)).MustBe(200);
    }

    [Fact]
    public async Task A_cascade_revokes_descendants_across_rotations()
    {
        using var manager = await server.NewUserAsync("secrets:read", "keys:manage");
        var (first, firstId) = await MakeAsync(manager);
        var (child, childId) = await MakeAsync(first);
        var (grandchild, _) = await MakeAsync(child);
        var next = (await first.PostAsync($"{Path}/{firstId}/rotate", new JsonObject())).MustBe(200).Json;
        using var successor = server.WithKey(next.Text("key")!);
        var (late, _) = await MakeAsync(successor);
        var (bystander, _) = await MakeAsync(manager);
        (await manager.DeleteAsync($"{Path}/{childId}")).MustBe(200);

        Assert.Equal("""{"revoked":4}""", (await manager.DeleteAsync($"{Path}/{next.Text("id")}?cascade=true")).MustBe(200).Body);

        foreach (var client in (ApiClient[])[first, child, grandchild, successor, late])
        {
            (await client.GetAsync(Answers.Secrets)).MustBe(401);
            client.Dispose();
        }

        (await bystander.GetAsync(Answers.Secrets)).MustBe(200);
        bystander.Dispose();
        Assert.Equal("""{"revoked":0}""", (await manager.DeleteAsync($"{Path}/{firstId}?cascade=true")).MustBe(200).Body);
        (await manager.DeleteAsync($"{Path}/{firstId}")).MustBe(404);
        (await manager.DeleteAsync($"{Path}/{Guid.NewGuid()}?cascade=true")).MustBe(404);
    }

    [Fact]
    public async Task Revoking_without_cascade_keeps_created_keys()
    {
        using var manager = await server.NewUserAsync("secrets:read", "keys:manage");
        var (first, firstId) = await MakeAsync(manager);
        var (child, _) = await MakeAsync(first);
        first.Dispose();

        Assert.Equal("{}", (await manager.DeleteAsync($"{Path}/{firstId}")).MustBe(200).Body);
        Assert.Equal("{}", (await child.DeleteAsync($"{Path}/{await IdAsync(child)}?cascade=false")).MustBe(200).Body);
        child.Dispose();
        (await manager.DeleteAsync($"{Path}/{firstId}?cascade=yes")).MustBeInvalid("query.cascade: bool_type");
    }

    [Fact]
    public async Task A_cascade_beyond_the_callers_rights_revokes_nothing()
    {
        using var @operator = server.Operator();
        using var user = await server.NewUserAsync("secrets:read", "keys:manage");
        using var strong = await server.NewKeyAsync(user.UserId, ["secrets:read", "keys:manage", "operator"]);
        var body = Body();
        body["user_id"] = Guid.NewGuid().ToString();
        var made = (await strong.PostAsync(Path, body)).MustBe(200).Json;
        using var child = server.WithKey(made.Text("key")!);

        (await user.DeleteAsync($"{Path}/{await IdAsync(strong)}?cascade=true")).MustBeError(403);

        (await strong.GetAsync(Answers.Secrets)).MustBe(200);
        (await child.GetAsync(Answers.Secrets)).MustBe(200);
        Assert.Equal("""{"revoked":2}""", (await @operator.DeleteAsync($"{Path}/{await IdAsync(strong)}?cascade=true")).MustBe(200).Body);
        (await child.GetAsync(Answers.Secrets)).MustBe(401);
    }

    [Fact]
    public async Task A_cascade_includes_keys_created_meanwhile()
    {
        using var @operator = server.Operator();
        using var manager = await server.NewUserAsync("secrets:read", "keys:manage");
        for (var round = 0; round < 5; round++)
        {
            var (maker, id) = await MakeAsync(manager);
            var made = Task.WhenAll(Enumerable.Range(0, 8).Select(async _ =>
            {
                var keys = new List<string>();
                while (await maker.PostAsync(Path, Body()) is { Status: 200 } answer)
                {
                    keys.Add(answer.Json.Text("key")!);
                }

                return keys;
            }));
            await Task.Delay(50, TestContext.Current.CancellationToken);

            var revoked = (await @operator.DeleteAsync($"{Path}/{id}?cascade=true")).MustBe(200).Json["revoked"]!.GetValue<int>();

            var keys = (await made).SelectMany(each => each).ToList();
            Assert.Equal(keys.Count + 1, revoked);
            foreach (var key in keys)
            {
                using var client = server.WithKey(key);
                (await client.GetAsync(Answers.Secrets)).MustBe(401);
            }

            maker.Dispose();
        }
    }

    [Fact]
    public async Task Using_a_key_does_not_wait_for_its_lock()
    {
        await TestDatabase.SkipOnBabelfishAsync("waits for a locked row that READPAST should skip.");
        using var user = await server.NewUserAsync();
        await using (await server.HoldAsync("UPDATE api_keys SET last_used_at = NULL WHERE user_id = @id", ("id", user.UserId)))
        {
            (await user.GetAsync(Answers.Secrets)).MustBe(200);
        }

        (await user.GetAsync(Answers.Secrets)).MustBe(200);
        Assert.Equal(1, await server.ScalarAsync<int>("SELECT CAST(count(*) AS int) FROM api_keys WHERE user_id = @id AND last_used_at IS NOT NULL", ("id", user.UserId)));
    }

    [Fact]
    public async Task A_skipped_last_use_is_recorded_with_the_next_use()
    {
        await TestDatabase.SkipOnBabelfishAsync("waits for a locked row that READPAST should skip.");
        using var runtime = await server.NewUserAsync("secrets:resolve");
        await using (await server.HoldAsync("UPDATE api_keys SET last_used_at = NULL WHERE user_id = @id", ("id", runtime.UserId)))
        {
            (await runtime.AskAsync($"{Answers.Secrets}/resolve", ToolCalls.Call())).MustBe(200);
        }

        (await runtime.AskAsync($"{Answers.Secrets}/resolve", ToolCalls.Call())).MustBe(200);
        Assert.Equal(1, await server.ScalarAsync<int>("SELECT CAST(count(*) AS int) FROM api_keys WHERE user_id = @id AND last_used_at IS NOT NULL", ("id", runtime.UserId)));
    }

    [Fact]
    public async Task A_cascade_and_a_last_use_update_do_not_deadlock()
    {
        await TestDatabase.SkipOnBabelfishAsync("has no UPDATE STATISTICS, and its sys.dm_exec_requests does not show who waits.");
        using var @operator = server.Operator();
        using var manager = await server.NewUserAsync("secrets:read", "keys:manage");
        var (maker, id) = await MakeAsync(manager);
        var made = new List<Guid>();
        for (var at = 0; at < 3; at++)
        {
            var (client, child) = await MakeAsync(maker);
            client.Dispose();
            made.Add(child);
        }

        // Rewrites the rows in reverse order of their ids, so that a scan reads the last id first.
        foreach (var child in Enumerable.Reverse(made))
        {
            await server.ExecuteSqlAsync("UPDATE api_keys SET last_used_at = NULL WHERE id = @id", ("id", child));
        }

        // The statistics show a small table, so the database scans it.
        await server.ExecuteSqlAsync(Sql.Of("ANALYZE api_keys", "UPDATE STATISTICS api_keys"));

        // The cascade has locked the first key and waits for the second.
        Task<Answer> cascade;
        Task note;
        await using (await server.HoldAsync("UPDATE api_keys SET last_used_at = last_used_at WHERE id = @id", ("id", made[1])))
        {
            cascade = @operator.DeleteAsync($"{Path}/{id}?cascade=true");
            await WaitUntilAsync(async () => await WaitingAsync() == 1);
            note = server.NoteUseAsync(made[0], made[2]);
            await WaitUntilAsync(async () => note.IsCompleted || await WaitingAsync() == 2);
        }

        Assert.Equal("""{"revoked":4}""", (await cascade).MustBe(200).Body);
        await note;
        maker.Dispose();

        Task<long> WaitingAsync() => server.ScalarAsync<long>(Sql.Of(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%api_keys%'",
            "SELECT CAST(count(*) AS bigint) FROM sys.dm_exec_requests WHERE blocking_session_id <> 0 AND database_id = DB_ID()"));

        static async Task WaitUntilAsync(Func<Task<bool>> condition)
        {
            using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
            while (!await condition())
            {
                await Task.Delay(20, patience.Token);
            }
        }
    }

    [Fact]
    public async Task A_credential_can_read_its_identity()
    {
        var organization = ToolCalls.NewOrganization();
        using var key = await server.NewKeyAsync(Guid.NewGuid(), ["secrets:read"], organization, "member", "support");
        using var bearer = server.WithToken(server.Issuer.Token(Guid.NewGuid(), ("sub", "somebody")));

        var me = (await key.GetAsync("/api/v1/me")).MustBe(200).Json;
        Assert.Equal(["user_id", "organizations", "scopes", "credential"], me.AsObject().Select(member => member.Key));
        Assert.Equal(key.UserId.ToString(), me.Text("user_id"));
        Assert.Equal($$"""[{"id":"{{organization}}","role":"member","workspaces":["support"]}]""", me["organizations"]!.ToJsonString());
        Assert.Equal("""["secrets:read"]""", me["scopes"]!.ToJsonString());
        Assert.Equal(("api_key", null), (me["credential"]!.Text("kind"), me["credential"]!.Text("expires_at")));
        var token = (await bearer.GetAsync("/api/v1/me")).MustBe(200).Json["credential"]!;
        Assert.Equal(["kind", "subject", "expires_at"], token.AsObject().Select(member => member.Key));
        Assert.Equal(("jwt", "somebody"), (token.Text("kind"), token.Text("subject")));
    }

    private async Task<(ApiClient Client, Guid Id)> MakeAsync(ApiClient maker, DateTimeOffset? end = null)
    {
        var made = (await maker.PostAsync(Path, Body(end))).MustBe(200).Json;
        return (server.WithKey(made.Text("key")!), made["id"]!.GetValue<Guid>());
    }

    private static async Task<Guid> IdAsync(ApiClient client) => (await client.GetAsync("/api/v1/me")).MustBe(200).Json["credential"]!["id"]!.GetValue<Guid>();

    private static string Moment(DateTimeOffset moment) => moment.ToString("yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'", System.Globalization.CultureInfo.InvariantCulture);

    private static JsonObject Body(DateTimeOffset? end = null)
    {
        var body = new JsonObject { ["name"] = "made", ["scopes"] = new JsonArray("secrets:read", "keys:manage") };
        if (end is { } moment)
        {
            body["expires_at"] = Moment(moment);
        }

        return body;
    }
}
