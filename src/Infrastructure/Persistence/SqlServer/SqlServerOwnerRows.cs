using System.Data.Common;
using Microsoft.Data.SqlClient;
using Microsoft.EntityFrameworkCore.Storage;
using Secrets.Infrastructure.Persistence.Rows;

namespace Secrets.Infrastructure.Persistence.SqlServer;

/// <summary>Reads all rows of any number of owners with one batch of statements.</summary>
internal sealed class SqlServerOwnerRows : IOwnerRows
{
    private const string Requested = $"OPENJSON(@owners) WITH (place int '$[0]', kind tinyint '$[1]', owner_id {ComparedText.ColumnType} '$[2]') AS i";

    /// <summary>SQL value: whether the audit has a later version than row o of owners, for row i. Repeats the index filter, so that the index is used.</summary>
    public static string IsBehind =>
        """
        CASE WHEN EXISTS (
            SELECT 1 FROM audit AS a
            WHERE a.owner_id = i.owner_id AND a.owner_version > COALESCE(o.version, 0) AND a.owner_version IS NOT NULL AND a.target_key_user_id IS NULL AND a.owner_kind = i.kind)
        THEN CAST(1 AS bit) ELSE CAST(0 AS bit) END
        """;

    internal static readonly string Owners =
        $"""
        SELECT i.place, COALESCE(o.stamp, 0), COALESCE(o.version, 0), COALESCE(o.secrets, 0), COALESCE(o.bytes_used, 0), o.account, {IsBehind}
        FROM {Requested} LEFT LOOP JOIN owners AS o WITH (FORCESEEK) ON o.kind = i.kind AND o.id = i.owner_id;
        """;

    // The hints force an index look-up for each owner. Without them, every batch may scan a small table.
    internal const string Secrets =
        $"""
        SELECT i.place, {StoredSecret.Columns}
        FROM {Requested}
        INNER LOOP JOIN secrets AS s WITH (FORCESEEK) ON s.owner_kind = i.kind AND s.owner_id = i.owner_id;
        """;

    internal const string Grants =
        $"""
        SELECT s.id, g.number, g.workspace
        FROM {Requested}
        INNER LOOP JOIN secrets AS s WITH (FORCESEEK) ON s.owner_kind = i.kind AND s.owner_id = i.owner_id
        INNER LOOP JOIN workspace_grants AS g WITH (FORCESEEK) ON g.secret_id = s.id
        ORDER BY s.id, g.number;
        """;

    internal const string DataKeys =
        $"""
        SELECT i.place, k.id, k.wrapped, k.created_at, k.retired_at
        FROM {Requested}
        INNER LOOP JOIN data_keys AS k WITH (FORCESEEK) ON k.owner_kind = i.kind AND k.owner_id = i.owner_id;
        """;

    private static readonly string Batch = string.Join('\n', [Owners, Grants, Secrets, DataKeys]);

    // Outside a transaction: without row versions, a scan would wait for writes of other owners. The isolation level ends with the batch.
    private static readonly string InSnapshots = $"SET TRANSACTION ISOLATION LEVEL SNAPSHOT;\n{Batch}";

    public async Task<IReadOnlyList<OwnerRows>> ReadAsync(SecretsDbContext db, IReadOnlyList<SecretOwner> owners)
    {
        await using var open = await OpenConnection.OpenAsync(db);
        var transaction = db.Database.CurrentTransaction;
        await using var command = new SqlCommand(transaction is null ? InSnapshots : Batch, (SqlConnection)open.Connection, (SqlTransaction?)transaction?.GetDbTransaction())
        {
            Parameters = { ToParameter("@owners", owners) },
        };
        var found = new OwnerRows[owners.Count];
        await using var reader = await command.ExecuteReaderAsync();
        while (await reader.ReadAsync())
        {
            found[reader.GetInt32(0)] = new OwnerRows(OwnerRow.FromRow(reader, 1));
        }

        await reader.NextResultAsync();
        var grants = new Dictionary<Guid, List<StoredGrant>>();
        while (await reader.ReadAsync())
        {
            var id = Id(reader, 0);
            if (!grants.TryGetValue(id, out var own))
            {
                grants.Add(id, own = []);
            }

            own.Add(new StoredGrant(reader.GetInt32(1), ComparedText.Read(reader.GetFieldValue<byte[]>(2))));
        }

        await reader.NextResultAsync();
        while (await reader.ReadAsync())
        {
            var secret = StoredSecret.FromRow(reader, 1, owners[reader.GetInt32(0)], Id, static (row, column) => row.GetByte(column));
            found[reader.GetInt32(0)].Secrets.Add(grants.TryGetValue(secret.Id, out var own) ? secret with { Grants = own } : secret);
        }

        await reader.NextResultAsync();
        while (await reader.ReadAsync())
        {
            var owner = owners[reader.GetInt32(0)];
            found[reader.GetInt32(0)].DataKeys.Add(new DataKeyRow
            {
                Id = Id(reader, 1),
                OwnerKind = owner.Kind,
                OwnerId = owner.Id,
                Wrapped = reader.GetFieldValue<byte[]>(2),
                CreatedAt = reader.GetDateTimeOffset(3),
                RetiredAt = reader.IsDBNull(4) ? null : reader.GetDateTimeOffset(4),
            });
        }

        return found;
    }

    /// <summary>Sends owners as rows: place in the list, kind, id.</summary>
    public static SqlParameter ToParameter(string name, IReadOnlyList<SecretOwner> owners) => JsonRows.FromItems(
        name,
        owners.Select((owner, place) => (owner, place)),
        static (json, row) =>
        {
            json.Add(row.place);
            json.Add((long)row.owner.Kind);
            json.AddCompared(row.owner.Id);
        });

    private static Guid Id(DbDataReader row, int column) => UuidBytes.Read(row.GetFieldValue<byte[]>(column));
}
