using Secrets.TestKit;

namespace Secrets.Api.Tests.Promises;

/// <summary>Promise 3: an audit row that an edit made unreadable is found, is kept and hides no other row. The class has its own server.</summary>
public sealed class UnreadableAudit(Auditing.OwnServer own) : IClassFixture<Auditing.OwnServer>
{
    private const string Audit = "/api/v1/audit";

    private readonly ApiServer _server = own.Server;

    /// <summary>Edits of a row and statements that undo them.</summary>
    public static TheoryData<string, string> Edits
    {
        get
        {
            var edits = new TheoryData<string, string> { { "owner_kind = owner_kind + 256", "owner_kind = owner_kind - 256" } };
            if (!TestDatabase.IsSqlServer)
            {
                edits.Add("at = at - interval '6000 years'", "at = at + interval '6000 years'");
            }

            return edits;
        }
    }

    [Theory]
    [MemberData(nameof(Edits))]
    public async Task A_page_reports_an_unreadable_row_and_other_pages_work(string edit, string undo)
    {
        using var user = await _server.NewUserAsync("secrets:write", "audit:read");
        var (kept, edited) = (await user.CreateSecretAsync("kept"), await user.CreateSecretAsync("edited"));
        await ChangeAsync(edit, edited);

        var refused = (await user.GetAsync($"{Audit}?actor={user.UserId}")).MustBe(409);

        Assert.Contains("verif", refused.Json["detail"]!.GetValue<string>(), StringComparison.Ordinal);
        Assert.Single((await user.GetAsync($"{Audit}?secret_id={kept}")).MustBe(200).Json["data"]!.AsArray());
        Assert.False((await own.VerifyAsync())["ok"]!.GetValue<bool>());
        Assert.Contains(_server.Log.Lines, line => line.StartsWith("Error", StringComparison.Ordinal) && line.Contains("cannot be parsed", StringComparison.Ordinal));

        await ChangeAsync(undo, edited);
        (await user.GetAsync($"{Audit}?actor={user.UserId}")).MustBe(200);
    }

    [Theory]
    [MemberData(nameof(Edits))]
    public async Task Retention_keeps_a_chain_with_an_unreadable_row_and_removes_the_others(string edit, string undo)
    {
        // 52: versions of accounts, which the service writes again.
        const string Own = "writer = @writer AND action <> 52";
        const string Others = "writer <> @writer AND action <> 52";
        using var user = await _server.NewUserAsync();
        var edited = await WriteInTwoChainsAsync(user);
        var broken = await _server.ScalarAsync<Guid>("SELECT writer FROM audit WHERE secret_id = @id AND outcome = 1", ("id", edited));
        await ChangeAsync(edit, edited);
        var (before, others) = (await CountAsync(Own, broken), await CountAsync(Others, broken));

        await _server.RemoveAuditAsync(DateTimeOffset.UtcNow.AddDays(1));

        Assert.NotEqual(0, others);
        Assert.Equal((before, 0), (await CountAsync(Own, broken), await CountAsync(Others, broken)));
        Assert.Contains(_server.Log.Lines, line => line.Contains($"The chain of audit writer {broken} does not verify", StringComparison.Ordinal));

        await ChangeAsync(undo, edited);
        await own.MustVerifyAsync();
        await _server.RemoveAuditAsync(DateTimeOffset.UtcNow.AddDays(1));
        Assert.Equal(0, await CountAsync(Own, broken));
    }

    /// <summary>Repeats two concurrent writes, each of which needs its own chain, until two chains exist. Returns the secret of one.</summary>
    private async Task<Guid> WriteInTwoChainsAsync(ApiClient user)
    {
        while (true)
        {
            Task<Guid> stored;
            Task<Answer> denied;
            await using (await _server.HoldAsync(Sql.Of("LOCK TABLE audit IN EXCLUSIVE MODE", "ALTER TABLE audit ADD held int NULL")))
            {
                stored = user.CreateSecretAsync($"{Guid.NewGuid()}");
                denied = user.GetAsync($"/api/v1/secrets/{Guid.NewGuid()}");
                await Task.Delay(500, TestContext.Current.CancellationToken);
            }

            (await denied).MustBe(404);
            var id = await stored;
            if (await _server.ScalarAsync<long>("SELECT CAST(count(DISTINCT writer) AS bigint) FROM audit") > 1)
            {
                return id;
            }
        }
    }

    private async Task ChangeAsync(string assignment, Guid secret) => Assert.Equal(
        1, await _server.ExecuteSqlAsync(TestDatabase.Own($"UPDATE audit SET {assignment} WHERE secret_id = @id AND outcome = 1"), ("id", secret)));

    private Task<long> CountAsync(string condition, Guid writer) =>
        _server.ScalarAsync<long>($"SELECT CAST(count(*) AS bigint) FROM audit WHERE {condition}", ("writer", writer));
}
