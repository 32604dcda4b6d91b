using Microsoft.Data.SqlClient;
using Microsoft.EntityFrameworkCore.Storage;
using Secrets.Domain.Secrets;
using Secrets.Infrastructure.Persistence.Rows;

namespace Secrets.Infrastructure.Persistence.SqlServer;

/// <summary>Reads all rows of any number of owners with one batch of statements.</summary>
internal sealed class SqlServerOwnerRows : IOwnerRows
{
    private const string Requested = $"OPENJSON(@owners) WITH (place int '$[0]', kind tinyint '$[1]', owner_id {ComparedText.ColumnType} '$[2]') AS i";

    /// <summary>SQL value: whether the audit has a later version than row o of owners, for row i (kind, owner_id). Repeats the filter of the index, so that the index is used.</summary>
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
        SELECT i.place, s.id, s.name, s.name_key, s.description, s.tool_name, s.tool_arg, s.is_default_for_tool, s.tool_key, s.arg_key, s.pattern_arg_key,
            s.workspace_rule, s.envelope, s.display, s.size, s.version, s.created_at, s.created_by, s.updated_at, s.updated_by
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
            found[reader.GetInt32(0)] = new OwnerRows(ReadOwner(reader, 1));
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
            var secret = ReadSecret(reader, owners[reader.GetInt32(0)]);
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

    /// <summary>Reads an owner from six columns: stamp, version, secrets, bytes used, account, whether the audit has a later version.</summary>
    public static OwnerRow ReadOwner(SqlDataReader row, int first) => new(
        row.GetInt64(first), row.GetInt64(first + 1), row.GetInt32(first + 2), row.GetInt64(first + 3), Optional<byte[]>(row, first + 4), row.GetBoolean(first + 5));

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

    private static StoredSecret ReadSecret(SqlDataReader row, SecretOwner owner) => new()
    {
        Id = Id(row, 1),
        Owner = owner,
        Name = row.GetString(2),
        NameKey = row.GetFieldValue<byte[]>(3),
        Description = row.GetString(4),
        ToolName = Optional<string>(row, 5),
        ToolArg = Optional<string>(row, 6),
        IsDefaultForTool = row.GetBoolean(7),
        ToolKey = Optional<byte[]>(row, 8),
        ArgKey = Optional<byte[]>(row, 9),
        PatternArgKey = Optional<byte[]>(row, 10),
        WorkspaceRule = row.GetByte(11),
        Envelope = row.GetFieldValue<byte[]>(12),
        Display = row.GetString(13),
        Size = row.GetInt32(14),
        Version = row.GetInt32(15),
        CreatedAt = row.GetDateTimeOffset(16),
        CreatedBy = Id(row, 17),
        UpdatedAt = row.GetDateTimeOffset(18),
        UpdatedBy = Id(row, 19),
        Grants = [],
    };

    private static Guid Id(SqlDataReader row, int column) => UuidBytes.Read(row.GetFieldValue<byte[]>(column));

    private static T? Optional<T>(SqlDataReader row, int column)
        where T : class => row.IsDBNull(column) ? null : row.GetFieldValue<T>(column);
}
