using System.Globalization;
using System.Text.Json.Nodes;
using Secrets.Domain.ApiKeys;
using Secrets.TestKit;

namespace Secrets.Infrastructure.Tests.Integrity;

/// <summary>
/// Promise 9: the database also sees the rows and the seal of a write that fails at its end. Somebody who keeps them cannot use them, neither at once nor after
/// another write. Here a write is taken back together with its audit rows, which leaves the same behind.
/// </summary>
public sealed class KeepingFailedWrites(AttackedServer attacked) : IClassFixture<AttackedServer>
{
    [Fact]
    public async Task A_value_of_a_failed_write_is_not_released()
    {
        using var victim = await Victim.NewAsync(attacked.Server);
        Row[] rows =
        [
            new("owners", "version, secrets, bytes_used, account", $"id = '{victim.Organization}'"),
            new("secrets", "envelope, display, size, version, updated_at, updated_by", $"id = '{victim.First}'"),
        ];
        await FailAsync(rows, async replica =>
        {
            using var admin = replica.WithKey(victim.Admin.Key!);
            (await admin.PatchAsync($"/api/v1/secrets/{victim.First}", new JsonObject { ["secret_value"] = "a value of nobody" })).MustBe(200);
        });
        Assert.True(await attacked.VerifiesAfterRestartAsync(victim.Owner));

        await ShowAsync("failed", rows);
        Assert.False(await attacked.VerifiesAfterRestartAsync(victim.Owner));

        await ShowAsync("before", rows);
        (await victim.UpdateAsync("the current value")).MustBe(200);
        Assert.True(await attacked.VerifiesAfterRestartAsync(victim.Owner));
        await ShowAsync("failed", rows);
        Assert.False(await attacked.VerifiesAfterRestartAsync(victim.Owner));
        await PutAuditBackAsync();
        Assert.False(await attacked.VerifiesAfterRestartAsync(victim.Owner));
        await victim.MustBeRefusedAsync();
        await attacked.MustBeToldAsync(victim.Owner);
    }

    [Fact]
    public async Task A_failed_write_does_not_bring_a_revoked_key_back()
    {
        var user = Guid.NewGuid();
        using var key = await attacked.Server.NewKeyAsync(user, ["secrets:read"]);
        using var other = await attacked.Server.NewKeyAsync(user, ["secrets:read"]);
        var (id, otherId) = (await IdAsync(key), await IdAsync(other));
        Row[] rows =
        [
            new("key_accounts", "version, keys, account", $"user_id = '{user}'"),
            new("api_keys", "revoked_at", $"id = '{id}'"),
            new("api_keys", "revoked_at", $"id = '{otherId}'"),
        ];
        await FailAsync(rows, async replica =>
        {
            using var elsewhere = replica.Operator();
            (await elsewhere.DeleteAsync($"/api/v1/api-keys/{otherId}")).MustBe(200);
        });
        Assert.True(await attacked.KeysVerifyAfterRestartAsync(user));

        using var @operator = attacked.Server.Operator();
        (await @operator.DeleteAsync($"/api/v1/api-keys/{id}")).MustBe(200);
        Assert.True(await attacked.KeysVerifyAfterRestartAsync(user));
        await ShowAsync("failed", rows);

        Assert.False(await attacked.KeysVerifyAfterRestartAsync(user));
        await PutAuditBackAsync();
        Assert.False(await attacked.KeysVerifyAfterRestartAsync(user));
        (await key.GetAsync("/api/v1/secrets")).MustBe(401);
        await attacked.MustBeToldOfKeyAsync(ApiKeyText.PrefixOf(key.Key!));
    }

    private Task<Guid> IdAsync(ApiClient key) =>
        attacked.Server.ScalarAsync<Guid>("SELECT id FROM api_keys WHERE prefix = @prefix", ("prefix", ApiKeyText.PrefixOf(key.Key!)));

    /// <summary>Writes on another replica, keeps a copy of the rows, and takes back all that the replica wrote.</summary>
    private async Task FailAsync(Row[] rows, Func<ApiServer, Task> write)
    {
        await KeepAsync("before", rows);
        await attacked.AttackAsync("DROP TABLE IF EXISTS kept_registry; CREATE TABLE kept_registry AS SELECT writers, mac FROM audit_keys");
        await using (var replica = attacked.Replica())
        {
            await replica.InitializeAsync();
            await write(replica);
        }

        await KeepAsync("failed", rows);
        await ShowAsync("before", rows);
        await attacked.AttackAsync(
            """
            DROP TABLE IF EXISTS failed_audit; DROP TABLE IF EXISTS failed_writers;
            CREATE TABLE failed_writers AS SELECT * FROM audit_writers WHERE number > (SELECT writers FROM kept_registry);
            CREATE TABLE failed_audit AS SELECT * FROM audit WHERE writer IN (SELECT id FROM failed_writers);
            DELETE FROM audit WHERE writer IN (SELECT id FROM audit_writers WHERE number > (SELECT writers FROM kept_registry));
            DELETE FROM audit_writers WHERE number > (SELECT writers FROM kept_registry);
            UPDATE audit_keys SET (writers, mac) = (SELECT writers, mac FROM kept_registry);
            """);
    }

    /// <summary>Puts the audit rows of the failed write back, with their chain.</summary>
    private async Task PutAuditBackAsync() =>
        Assert.True(await attacked.AttackAsync("INSERT INTO audit_writers SELECT * FROM failed_writers; INSERT INTO audit SELECT * FROM failed_audit") > 1);

    private async Task KeepAsync(string moment, Row[] rows)
    {
        for (var at = 0; at < rows.Length; at++)
        {
            await attacked.AttackAsync(string.Create(
                CultureInfo.InvariantCulture,
                $"DROP TABLE IF EXISTS {moment}_{at}; CREATE TABLE {moment}_{at} AS SELECT {rows[at].Columns} FROM {rows[at].Table} WHERE {rows[at].Condition}"));
        }
    }

    private async Task ShowAsync(string moment, Row[] rows)
    {
        for (var at = 0; at < rows.Length; at++)
        {
            Assert.Equal(1, await attacked.AttackAsync(string.Create(
                CultureInfo.InvariantCulture,
                $"UPDATE {rows[at].Table} SET ({rows[at].Columns}) = (SELECT {rows[at].Columns} FROM {moment}_{at}) WHERE {rows[at].Condition}")));
        }
    }

    private sealed record Row(string Table, string Columns, string Condition);
}
