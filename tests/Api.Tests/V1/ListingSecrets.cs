using System.Text.Json.Nodes;
using Secrets.TestKit;

namespace Secrets.Api.Tests.V1;

public sealed class ListingSecrets(ApiServer server)
{
    private const int Count = 25;

    [Fact]
    public async Task Without_a_limit_all_secrets_are_listed_oldest_first()
    {
        using var user = await server.NewUserAsync();
        var ids = await StoreManyAsync(user);
        await user.PatchAsync(Answers.One(ids[3]), new JsonObject { ["secret_name"] = "an update moves nothing" });

        var answer = await user.GetAsync(Answers.Secrets);

        Assert.Equal(ids, answer.MustBeList().Select(Answers.Id));
        Assert.False(answer.Json.AsObject().ContainsKey("next_cursor"));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(24)]
    [InlineData(25)]
    [InlineData(26)]
    [InlineData(1000)]
    public async Task Paging_lists_each_secret_once_and_ends(int limit)
    {
        using var user = await server.NewUserAsync();
        var ids = await StoreManyAsync(user);

        var pages = await WalkAsync(user, $"limit={limit}");

        Assert.Equal(ids, pages.SelectMany(page => page));
        Assert.Equal((Count + limit - 1) / limit, pages.Count);
        Assert.All(pages.SkipLast(1), page => Assert.Equal(limit, page.Count));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    public async Task Secrets_with_equal_timestamps_are_not_lost_between_pages(int limit)
    {
        using var user = await server.NewUserAsync();
        var ids = await StoreManyAsync(user);
        await server.ExecuteSqlAsync(
            "update secrets set created_at = (select min(created_at) from secrets where owner_id = @owner) where owner_id = @owner",
            ("owner", user.UserId.ToString()));

        var pages = await WalkAsync(user, $"limit={limit}");

        Assert.Equal(ids.Order(), pages.SelectMany(page => page));
        Assert.Single((await user.GetAsync(Answers.Secrets)).MustBeList().Select(secret => secret.Text("created_at")).Distinct(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(24)]
    public async Task Paging_survives_changes_between_pages(int limit)
    {
        using var user = await server.NewUserAsync();
        var ids = await StoreManyAsync(user);
        var added = new List<Guid>();
        var deleted = new List<Guid>();

        var pages = await WalkAsync(user, $"limit={limit}", async seen =>
        {
            if (deleted.Count >= 4)
            {
                return;
            }

            // Deletes the row of the cursor and a row that is not listed yet. New rows come at the end.
            foreach (var id in (Guid[])[seen[^1], ids[^(deleted.Count + 1)]])
            {
                (await user.DeleteAsync(Answers.One(id))).MustBe(200);
                deleted.Add(id);
            }

            added.Add(await user.CreateSecretAsync($"added {added.Count}"));
            (await user.PatchAsync(Answers.One(added[0]), new JsonObject { ["secret_name"] = $"renamed {deleted.Count}" })).MustBe(200);
        });

        var seen = pages.SelectMany(page => page).ToList();
        Assert.Equal(seen.Distinct(), seen);
        Assert.Equal(ids.Except(deleted), seen.Intersect(ids.Except(deleted)));
        Assert.Equal(added, seen.Intersect(added));
        Assert.Empty(seen.Except(ids).Except(added));
    }

    [Fact]
    public async Task A_cursor_never_shows_secrets_of_others()
    {
        using var user = await server.NewUserAsync();
        using var other = await server.NewUserAsync();
        var ids = await StoreManyAsync(user);
        await other.CreateSecretAsync("theirs");

        var cursor = (await user.GetAsync(Answers.Secrets + "?limit=1")).MustBe(200).Json.Text("next_cursor")!;

        Assert.Equal("theirs", Assert.Single((await other.GetAsync($"{Answers.Secrets}?cursor={cursor}")).MustBeList()).Text("secret_name"));
        Assert.Equal(ids.Skip(1), (await user.GetAsync($"{Answers.Secrets}?cursor={cursor}")).MustBeList().Select(Answers.Id));
    }

    [Theory]
    [InlineData("agno__linear__get", "agno__linear__*;agno__linear__get;*;*get;agno__*__get;a**get*")]
    [InlineData("agnoXXlinearXXget", "*;*get;a**get*")]
    [InlineData("AGNO__LINEAR__GET", "*")]
    [InlineData("agno__linear__", "agno__linear__*;*")]
    [InlineData("agno__linear__*", "agno__linear__*;*")]
    [InlineData("agno__linear__get ", "agno__linear__*;*;a**get*")]
    [InlineData("agno_.linear__get", "*;*get;a**get*")]
    [InlineData("%", "*;%")]
    [InlineData("anything", "*")]
    [InlineData("agno__linear__ge?", "agno__linear__*;*;agno__linear__ge?")]
    [InlineData("agno__linear__[g]et", "agno__linear__*;*;agno__linear__[g]et")]
    [InlineData("get", "*;*get")]
    public async Task The_tool_filter_treats_only_the_star_as_a_wildcard(string tool, string expected)
    {
        using var user = await server.NewUserAsync();
        string[] patterns =
        [
            "agno__linear__*", "agno__linear__get", "*", "*get", "agno__*__get", "a**get*", "AGNO__linear__*", "_*", "%", "agno__linear__ge?",
            "agno__linear__[g]et", "agno.*", "linear",
        ];
        foreach (var pattern in patterns)
        {
            await user.CreateSecretAsync(pattern, toolName: pattern, toolArg: pattern.Length % 2 == 0 ? "arg" : null);
        }

        await user.CreateSecretAsync("bound to no tool", toolArg: "arg");
        await user.CreateSecretAsync("bound to nothing");

        var pages = await WalkAsync(user, $"limit=1&tool_name={Uri.EscapeDataString(tool)}");
        var found = (await user.GetAsync($"{Answers.Secrets}?tool_name={Uri.EscapeDataString(tool)}")).MustBeList();

        Assert.Equal(expected.Split(';'), found.Select(secret => secret.Text("tool_name")), StringComparer.Ordinal);
        Assert.Equal(found.Select(Answers.Id), pages.SelectMany(page => page));
        Assert.Equal(found.Count, pages.Count);
    }

    [Fact]
    public async Task The_name_filter_is_exact()
    {
        using var user = await server.NewUserAsync();
        foreach (var name in (string[])["name", "Name", "name ", "name2", "%", "n_me", "*"])
        {
            await user.CreateSecretAsync(name);
        }

        foreach (var name in (string[])["name", "Name", "name ", "%", "n_me", "*"])
        {
            var answer = await user.GetAsync($"{Answers.Secrets}?limit=1&secret_name={Uri.EscapeDataString(name)}");
            Assert.Equal(name, Assert.Single(answer.MustBeList()).Text("secret_name"));
            Assert.False(answer.Json.AsObject().ContainsKey("next_cursor"));
        }

        Assert.Empty((await user.GetAsync(Answers.Secrets + "?secret_name=nam")).MustBeList());
    }

    [Fact]
    public async Task Filters_combine_with_AND()
    {
        using var user = await server.NewUserAsync();
        var id = await user.CreateSecretAsync("n", toolName: "tool*");
        await user.CreateSecretAsync("m", toolName: "tool*");

        Assert.Equal(id, Assert.Single((await user.GetAsync(Answers.Secrets + "?secret_name=n&tool_name=toolbox")).MustBeList()).Id());
        Assert.Empty((await user.GetAsync(Answers.Secrets + "?secret_name=n&tool_name=box")).MustBeList());
    }

    [Theory]
    [InlineData("page=2&per_page=1&limits=1")]
    [InlineData("LIMITED=0&offset=x&userid=01890a5d-ac96-774b-bcce-b302099a8057")]
    [InlineData("toolName=x&secretName=x")]
    [InlineData("&&=&=x&x")]
    [InlineData("%00=%00&%ff=%ff")]
    public async Task Unknown_parameters_are_ignored(string query)
    {
        using var user = await server.NewUserAsync();
        await user.CreateSecretAsync("one");
        await user.CreateSecretAsync("two");

        Assert.Equal(2, (await user.GetAsync($"{Answers.Secrets}?{query}")).MustBeList().Count);
    }

    [Theory]
    [InlineData("limit=0", "query.limit: value_error")]
    [InlineData("limit=-1", "query.limit: value_error")]
    [InlineData("limit=1001", "query.limit: value_error")]
    [InlineData("limit=MARK", "query.limit: int_parsing")]
    [InlineData("limit=1.5", "query.limit: int_parsing")]
    [InlineData("limit=1e1", "query.limit: int_parsing")]
    [InlineData("limit=2%00", "query.limit: int_parsing")]
    [InlineData("limit=%2B2", "query.limit: int_parsing")]
    [InlineData("limit=99999999999999999999", "query.limit: int_parsing")]
    [InlineData("limit=null", "query.limit: int_parsing")]
    [InlineData("limit=0x10", "query.limit: int_parsing")]
    [InlineData("limit=%2310", "query.limit: int_parsing")]
    [InlineData("limit=%2010", "query.limit: int_parsing")]
    [InlineData("limit=1%2C000", "query.limit: int_parsing")]
    [InlineData("limit=10&limit=20", "query.limit: value_error")]
    [InlineData("limit=%00", "query.limit: int_parsing")]
    [InlineData("cursor=MARK", "query.cursor: value_error")]
    [InlineData("cursor=%00", "query.cursor: value_error")]
    [InlineData("cursor=1", "query.cursor: value_error")]
    [InlineData("cursor=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "query.cursor: value_error")]
    [InlineData("cursor=________________________________", "query.cursor: value_error")]
    [InlineData("limit=0&cursor=MARK", "query.limit: value_error, query.cursor: value_error")]
    [InlineData("secret_name=MARK%00", "query.secret_name: value_error")]
    [InlineData("tool_name=%00MARK", "query.tool_name: value_error")]
    [InlineData("limit=%20", "query.limit: int_parsing")]
    [InlineData("cursor=%20", "query.cursor: value_error")]
    [InlineData("secret_name=%20%20", "query.secret_name: value_error")]
    [InlineData("secret_name=+", "query.secret_name: value_error")]
    [InlineData("tool_name=%09&workspace=%C2%A0", "query.tool_name: value_error, query.workspace: value_error")]
    public async Task Bad_parameters_are_named_and_not_repeated(string query, string expected)
    {
        using var user = await server.NewUserAsync();
        await user.CreateSecretAsync("n", toolName: "tool");
        var mark = $"MARK-{Guid.NewGuid():N}";

        var answer = await user.GetAsync($"{Answers.Secrets}?{query.Replace("MARK", mark, StringComparison.Ordinal)}");

        answer.MustBeInvalid(expected.Split(", ")).MustNotRepeat(mark);
    }

    [Theory]
    [InlineData("secret_name")]
    [InlineData("tool_name")]
    public async Task A_filter_may_be_as_long_as_the_member(string parameter)
    {
        using var user = await server.NewUserAsync();

        Assert.Empty((await user.GetAsync($"{Answers.Secrets}?{parameter}={new string('x', 1024)}")).MustBeList());
        (await user.GetAsync($"{Answers.Secrets}?{parameter}={new string('x', 1025)}")).MustBeInvalid($"query.{parameter}: string_too_long");
    }

    /// <summary>Well-formed cursors for positions without a secret.</summary>
    [Theory]
    [InlineData(0L, Count)]
    [InlineData(1L, Count)]
    [InlineData(3155378975999999999L, 0)]
    [InlineData(3155378975999999998L, 0)]
    public async Task A_cursor_at_an_extreme_time_is_valid(long ticks, int left)
    {
        using var user = await server.NewUserAsync();
        await StoreManyAsync(user);
        var bytes = new byte[24];
        System.Buffers.Binary.BinaryPrimitives.WriteInt64BigEndian(bytes, ticks);
        var cursor = System.Buffers.Text.Base64Url.EncodeToString(bytes);

        Assert.Equal(left, (await user.GetAsync($"{Answers.Secrets}?cursor={cursor}")).MustBeList().Count);
    }

    private static async Task<IReadOnlyList<Guid>> StoreManyAsync(ApiClient user)
    {
        var ids = new List<Guid>();
        for (var i = 0; i < Count; i++)
        {
            ids.Add(await user.CreateSecretAsync($"secret {i}", toolName: i % 2 == 0 ? "tool" : null));
        }

        return ids;
    }

    private static async Task<IReadOnlyList<IReadOnlyList<Guid>>> WalkAsync(
        ApiClient user, string query, Func<IReadOnlyList<Guid>, Task>? between = null)
    {
        var pages = new List<IReadOnlyList<Guid>>();
        string? cursor = null;
        do
        {
            var answer = await user.GetAsync($"{Answers.Secrets}?{query}{(cursor is null ? "" : $"&cursor={cursor}")}");
            pages.Add([.. answer.MustBeList().Select(Answers.Id)]);
            cursor = answer.Json.Text("next_cursor");
            Assert.Equal(cursor is not null, answer.Json.AsObject().ContainsKey("next_cursor"));
            if (cursor is not null)
            {
                Assert.Matches("^[A-Za-z0-9_-]+$", cursor);
                await (between?.Invoke(pages[^1]) ?? Task.CompletedTask);
            }
        }
        while (cursor is not null && pages.Count < 100);
        return pages;
    }
}
