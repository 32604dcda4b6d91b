using System.Text.Json.Nodes;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Npgsql;
using Secrets.Infrastructure.Encryption;
using Secrets.Infrastructure.Persistence;
using Secrets.Infrastructure.Persistence.Postgres;
using Secrets.TestKit;

namespace Secrets.Infrastructure.Tests.Integrity;

/// <summary>
/// Promise 9: edits every column of the service's own keys and of the audit, removes a row, and swaps two rows. The next start fails, or the audit does not
/// verify, unless the column is listed as one that decides nothing. A new column fails the test until somebody decides about it.
/// </summary>
public sealed class EditingKeys : IAsyncLifetime
{
    /// <summary>The tables.</summary>
    internal static readonly string[] Tables = ["audit", "audit_keys", "audit_writers", "integrity_keys", "key_ring", "key_rotations", "key_state", "root_keys"];

    /// <summary>Columns that decide nothing, with the reason why an edit may go unnoticed.</summary>
    private static readonly Dictionary<string, string> Undecided = new(StringComparer.Ordinal)
    {
        ["root_keys.probed_at"] = "readiness writes it to see that the database takes writes",
    };

    private readonly ApiServer _server = ApiServer.With();

    public EditingKeys() => _server.ReplacesKeysByItself = false;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        await _server.InitializeAsync();
        using var @operator = _server.Operator();
        (await @operator.PostAsync("/api/v1/encryption/rotate", new JsonObject { ["layer"] = "key_ring" })).MustBe(200);
        await @operator.CreateSecretAsync("n");
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task An_edited_column_is_noticed()
    {
        using var model = new PostgresSecretsDbContext.DesignTime().CreateDbContext([]);
        var unnoticed = new List<string>();
        foreach (var entity in model.Model.GetEntityTypes().Where(entity => Tables.Contains(entity.GetTableName())))
        {
            var table = entity.GetTableName()!;
            foreach (var property in entity.GetProperties())
            {
                var column = property.GetColumnName();
                var one = table is "audit" ? "sequence = 1" : table is "key_ring" ? "name = (SELECT min(name) FROM key_ring)" : "true";
                if (!await IsNoticedAsync(table, $"UPDATE {table} SET {column} = {EditingColumns.EditOf(property)} WHERE {one}"))
                {
                    unnoticed.Add($"{table}.{column}");
                }
            }

            if (!await IsNoticedAsync(table, $"DELETE FROM {table}"))
            {
                unnoticed.Add($"{table} (its rows)");
            }
        }

        Assert.Equal(Undecided.Keys, unnoticed);
        Assert.Null(await RefusalAsync());
    }

    [Fact]
    public async Task Rows_that_are_swapped_are_noticed()
    {
        using var @operator = _server.Operator();
        foreach (var layer in (string[])["integrity", "data_keys"])
        {
            (await @operator.PostAsync("/api/v1/encryption/rotate", new JsonObject { ["layer"] = layer })).MustBe(200);
        }

        using var model = new PostgresSecretsDbContext.DesignTime().CreateDbContext([]);
        var (swapped, unnoticed) = (new List<string>(), new List<string>());
        foreach (var entity in model.Model.GetEntityTypes().Where(entity => Tables.Contains(entity.GetTableName())).OrderBy(entity => entity.GetTableName(), StringComparer.Ordinal))
        {
            var table = entity.GetTableName()!;
            if (await CountAsync(table) < 2)
            {
                continue;
            }

            swapped.Add(table);
            var columns = entity.GetProperties().ToLookup(property => property.IsPrimaryKey(), property => property.GetColumnName());
            if (!await IsNoticedAsync(table, Swap(table, [.. columns[true]], string.Join(", ", columns[false]))))
            {
                unnoticed.Add(table);
            }
        }

        Assert.Equal(["audit", "integrity_keys", "key_ring", "key_rotations"], swapped.Except(["audit_writers"]));
        Assert.Empty(unnoticed);
        Assert.Null(await RefusalAsync());
    }

    /// <summary>Swaps the first two rows: each keeps its primary key and gets all other columns of the other row.</summary>
    private static string Swap(string table, string[] key, string columns) =>
        $"""
        WITH numbered AS (SELECT *, row_number() OVER (ORDER BY {string.Join(", ", key)}) AS place FROM {table})
        UPDATE {table} t SET ({columns}) = (SELECT {columns} FROM numbered WHERE place = 3 - one.place)
        FROM numbered one
        WHERE one.place <= 2 AND {string.Join(" AND ", key.Select(column => $"t.{column} = one.{column}"))}
        """;

    private async Task<long> CountAsync(string table)
    {
        await using var db = await _server.NewContextAsync();
#pragma warning disable EF1002 // The table name comes from the model.
        return await db.Database.SqlQueryRaw<long>($"SELECT count(*) AS \"Value\" FROM {table}").SingleAsync(Cancellation);
#pragma warning restore EF1002
    }

    /// <summary>Attacks, checks whether the service notices, and restores the table.</summary>
    private async Task<bool> IsNoticedAsync(string table, string attack)
    {
        await RunAsync($"DROP TABLE IF EXISTS kept; CREATE TABLE kept AS TABLE {table}");
        try
        {
            await RunAsync(attack);
            return !await VerifiesAsync() || await RefusalAsync() is not null;
        }
        catch (PostgresException exception) when (exception.SqlState.StartsWith("23", StringComparison.Ordinal))
        {
            return true; // a key of the schema: the database rejects the edit
        }
        finally
        {
            await RunAsync($"DELETE FROM {table}; INSERT INTO {table} SELECT * FROM kept");
        }
    }

    private Task<string?> RefusalAsync() => ApiServer.RefusalOfStartAsync(
        _server.Services.GetRequiredService<IDatabaseServer>().ConnectionString, _server.Services.GetRequiredService<IOptions<EncryptionOptions>>().Value.RootKeyFile!);

    private async Task<bool> VerifiesAsync()
    {
        using var @operator = _server.Operator();
        return (await @operator.GetAsync("/api/v1/audit/verify")).MustBe(200).Json["ok"]!.GetValue<bool>();
    }

    private async Task RunAsync(string sql)
    {
        await using var db = await _server.NewContextAsync();
#pragma warning disable EF1002 // The statement is an attack of the test.
        await db.Database.ExecuteSqlRawAsync(sql, Cancellation);
#pragma warning restore EF1002
    }
}
