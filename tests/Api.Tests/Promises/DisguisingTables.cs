using Secrets.TestKit;

namespace Secrets.Api.Tests.Promises;

/// <summary>
/// Promise 9: a view, an inherited table, a rule or a row policy can show each statement other rows. Then no verification of rows means anything, so the table
/// itself is reported.
/// </summary>
public sealed class DisguisingTables
{
    public static TheoryData<string, string> Disguises => TestDatabase.IsSqlServer
        ? new()
        {
            { "EXEC sp_rename N'audit', N'kept', N'OBJECT'; EXEC(N'CREATE VIEW audit AS SELECT * FROM kept')", "DROP VIEW audit; EXEC sp_rename N'kept', N'audit', N'OBJECT'" },
        }
        : new()
        {
            { "ALTER TABLE audit RENAME TO kept; CREATE VIEW audit AS SELECT * FROM kept", "DROP VIEW audit; ALTER TABLE kept RENAME TO audit" },
            { "ALTER TABLE audit ENABLE ROW LEVEL SECURITY", "ALTER TABLE audit DISABLE ROW LEVEL SECURITY" },
            { "CREATE TABLE child () INHERITS (audit)", "DROP TABLE child" },
            { "CREATE RULE hidden AS ON DELETE TO audit DO INSTEAD NOTHING", "DROP RULE hidden ON audit" },
        };

    [Theory]
    [MemberData(nameof(Disguises))]
    public async Task A_disguised_table_is_reported_and_stops_a_start(string disguise, string undo)
    {
        using var installation = await Installation.NewAsync();
        await installation.MakeAsync();
        await using var service = installation.StartHere();
        using var client = await service.ClientAsync(Installation.Key);
        await client.CreateSecretAsync("n");
        Assert.True(await VerifiesAsync(client));
        await AttackAsync(installation, disguise);

        var ready = (await client.GetAsync("/health/ready")).MustBe(503).Json;
        Assert.Contains("audit is not a plain table any more", ready["reasons"]!["database"]!.GetValue<string>(), StringComparison.Ordinal);
        Assert.False(await VerifiesAsync(client));
        await using (var second = installation.RunHere("check"))
        {
            Assert.Equal(1, await second.ExitCodeAsync());
            Assert.Contains("Secrets cannot start: audit is not a plain table any more", second.Output, StringComparison.Ordinal);
        }

        await AttackAsync(installation, undo);
        await using var third = installation.StartHere();
        using var again = await third.ClientAsync(Installation.Key);
        await again.UntilReadyIsAsync(200);
        Assert.True(await VerifiesAsync(again));
    }

    private static async Task<bool> VerifiesAsync(ApiClient client) => (await client.GetAsync("/api/v1/audit/verify")).MustBe(200).Json["ok"]!.GetValue<bool>();

    private static Task AttackAsync(Installation installation, string sql) =>
        TestDatabase.RunAsync(installation.ConnectionString, TestDatabase.Own(sql), [], command => command.ExecuteNonQueryAsync());
}
