using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata;
using Npgsql;
using Secrets.Infrastructure.Persistence.Postgres;

namespace Secrets.Infrastructure.Tests.Integrity;

/// <summary>
/// Promise 9: edits every column of the tables that decide about values and rights. The service notices each edit, unless the column is listed as one that
/// decides nothing. A new column fails the test until somebody decides about it.
/// </summary>
public sealed class EditingColumns(AttackedServer attacked) : IClassFixture<AttackedServer>
{
    /// <summary>The condition for the victim's row, by table.</summary>
    private static readonly Dictionary<string, Func<Victim, string>> Rows = new(StringComparer.Ordinal)
    {
        ["owners"] = victim => $"id = '{victim.Organization}'",
        ["secrets"] = victim => $"owner_id = '{victim.Organization}' AND name = 'first'",
        ["workspace_grants"] = victim => $"secret_id = (SELECT id FROM secrets WHERE owner_id = '{victim.Organization}' AND name = 'second')",
        ["data_keys"] = victim => $"owner_id = '{victim.Organization}'",
        ["api_keys"] = victim => $"prefix = '{victim.Prefix}'",
        ["key_accounts"] = victim => $"user_id = '{victim.Runtime.UserId}'",
    };

    /// <summary>Columns that decide nothing, with the reason why an edit may go unnoticed.</summary>
    private static readonly Dictionary<string, string> Undecided = new(StringComparer.Ordinal)
    {
        ["key_accounts.stamp"] = "it only empties caches",
        ["owners.stamp"] = "it only empties caches",
        ["data_keys.wrapped"] = "the key ring authenticates it for its owner and id",
        ["api_keys.last_used_at"] = "it is shown and decides nothing",
    };

    public static TheoryData<string, string> Columns
    {
        get
        {
            using var db = new PostgresSecretsDbContext.DesignTime().CreateDbContext([]);
            var data = new TheoryData<string, string>();
            foreach (var entity in db.Model.GetEntityTypes().Where(entity => Rows.ContainsKey(entity.GetTableName()!)))
            {
                foreach (var property in entity.GetProperties())
                {
                    data.Add($"{entity.GetTableName()}.{property.GetColumnName()}", EditOf(property));
                }
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Columns))]
    public async Task An_edited_column_is_noticed(string column, string edit)
    {
        var (table, name) = (column.Split('.')[0], column.Split('.')[1]);
        using var victim = await Victim.NewAsync(attacked.Server);
        try
        {
            Assert.Equal(1, await attacked.AttackAsync($"UPDATE {table} SET {name} = {edit} WHERE {Rows[table](victim)}"));
        }
        catch (PostgresException exception) when (exception.SqlState.StartsWith("23", StringComparison.Ordinal))
        {
            // A key of the schema: the database rejects the edit.
            Assert.Contains(name, (string[])["id", "kind", "owner_kind", "owner_id", "secret_id"]);
            return;
        }

        if (Undecided.ContainsKey(column))
        {
            Assert.Equal(Victim.Value, await victim.ValueAsync());
        }
        else if (table is "api_keys" or "key_accounts")
        {
            (await victim.Runtime.GetAsync("/api/v1/secrets")).MustBe(401);

            // An API key that was verified within the last minute is cached with its rights.
            (await victim.ResolveAsync()).MustBe(column is "key_accounts.account" or "key_accounts.keys" ? 200 : 401);
            Assert.False(await attacked.KeysVerifyAfterRestartAsync(victim.Runtime.UserId));
        }
        else
        {
            await victim.MustBeRefusedAsync();
            await victim.MustBeListedOrRefusedAsync();
            Assert.False(await attacked.VerifiesAfterRestartAsync(victim.Owner));
            await attacked.MustBeToldAsync(victim.Owner);
        }
    }

    [Theory]
    [InlineData("UPDATE secrets SET updated_at = '4000-01-01 BC' WHERE owner_id = 'owner'")]
    [InlineData("UPDATE secrets SET created_at = 'infinity' WHERE owner_id = 'owner'")]
    [InlineData("UPDATE secrets SET tool_name = '' WHERE owner_id = 'owner'")]
    [InlineData("UPDATE secrets SET workspace_rule = 300 WHERE owner_id = 'owner'")]
    [InlineData("UPDATE owners SET bytes_used = -1 WHERE id = 'owner'")]
    [InlineData("UPDATE api_keys SET created_at = '4000-01-01 BC' WHERE organization_id = 'owner' AND prefix = 'prefix'")]
    public async Task What_cannot_even_be_read_is_no_fault_of_the_service(string attack)
    {
        using var victim = await Victim.NewAsync(attacked.Server);
        await attacked.AttackAsync(attack.Replace("'owner'", $"'{victim.Organization}'", StringComparison.Ordinal).Replace("'prefix'", $"'{victim.Prefix}'", StringComparison.Ordinal));

        await victim.MustBeListedOrRefusedAsync();
        Assert.Contains((await victim.ResolveAsync()).Status, (int[])[401, 409]);
        Assert.Contains((await victim.Runtime.GetAsync("/api/v1/secrets")).Status, (int[])[200, 401, 409]);
        using var @operator = attacked.Server.Operator();
        Assert.Contains((await @operator.GetAsync("/api/v1/api-keys?limit=1000")).Status, (int[])[200, 409]);
        await attacked.AttackAsync($"DELETE FROM api_keys WHERE organization_id = '{victim.Organization}'");
    }

    [Fact]
    public void Every_table_that_decides_has_its_rows_here()
    {
        using var db = new PostgresSecretsDbContext.DesignTime().CreateDbContext([]);

        // Use counts decide nothing.
        Assert.Equal(
            Rows.Keys.Concat(EditingKeys.Tables).Append("secret_uses").Order(StringComparer.Ordinal),
            db.Model.GetEntityTypes().Select(entity => entity.GetTableName()!).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal));
    }

    /// <summary>An edit of a column, in SQL.</summary>
    internal static string EditOf(IProperty property)
    {
        var name = property.GetColumnName();
        return property.GetColumnType() switch
        {
            "uuid" => "gen_random_uuid()",
            "bytea" => $"CASE WHEN {name} IS NULL THEN '\\x00'::bytea ELSE set_byte({name}, length({name}) - 1, get_byte({name}, length({name}) - 1) # 1) END",
            "boolean" => $"NOT {name}",
            "smallint" or "integer" or "bigint" => $"coalesce({name}, 0) + 1",
            "text[]" => $"array_append({name}, 'x')",
            "timestamp with time zone" => $"coalesce({name}, now()) + interval '1 microsecond'",
            _ when name is "prefix" or "fingerprint" => $"reverse({name})",
            _ => $"coalesce({name}, '') || 'x'",
        };
    }
}
