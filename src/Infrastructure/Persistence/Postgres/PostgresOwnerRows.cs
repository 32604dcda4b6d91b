using Npgsql;
using Secrets.Domain.Secrets;
using Secrets.Infrastructure.Persistence.Rows;

namespace Secrets.Infrastructure.Persistence.Postgres;

/// <summary>Reads all rows of owners. Owners are sent as arrays, so that the statements have the same text for any number of them.</summary>
internal sealed class PostgresOwnerRows : IOwnerRows
{
    private const string Requested = "unnest($1::int[], $2::smallint[], $3::text[]) AS i (place, kind, id)";

    // OFFSET 0 forces an index look-up for each owner. Without it, every batch may scan a small table.
    private const string OwnedByRequested = "WHERE owner_kind = i.kind AND owner_id = i.id OFFSET 0";

    private static readonly string Owners =
        $"""
        SELECT i.place, coalesce(o.stamp, 0), coalesce(o.version, 0), coalesce(o.secrets, 0), coalesce(o.bytes_used, 0), o.account,
            {PostgresPreconditions.OwnerIsBehind("coalesce(o.version, 0)")}
        FROM {Requested}
        LEFT JOIN LATERAL (SELECT stamp, version, secrets, bytes_used, account FROM owners WHERE kind = i.kind AND id = i.id OFFSET 0) o ON true
        """;

    private const string Secrets =
        $"""
        SELECT i.place, s.id, s.name, s.name_key, s.description, s.tool_name, s.tool_arg, s.is_default_for_tool, s.tool_key, s.arg_key, s.pattern_arg_key,
            s.workspace_rule, s.envelope, s.display, s.size, s.version, s.created_at, s.created_by, s.updated_at, s.updated_by,
            ARRAY(SELECT number FROM workspace_grants WHERE secret_id = s.id ORDER BY number),
            ARRAY(SELECT workspace FROM workspace_grants WHERE secret_id = s.id ORDER BY number)
        FROM {Requested}
        CROSS JOIN LATERAL (SELECT * FROM secrets {OwnedByRequested}) s
        """;

    private const string DataKeys =
        $"""
        SELECT i.place, k.id, k.wrapped, k.created_at, k.retired_at
        FROM {Requested}
        CROSS JOIN LATERAL (SELECT * FROM data_keys {OwnedByRequested}) k
        """;

    public async Task<IReadOnlyList<OwnerRows>> ReadAsync(SecretsDbContext db, IReadOnlyList<SecretOwner> owners)
    {
        await using var open = await OpenConnection.OpenAsync(db);
        await using var batch = new NpgsqlBatch((NpgsqlConnection)open.Connection);
        foreach (var statement in (ReadOnlySpan<string>)[Owners, Secrets, DataKeys])
        {
            batch.BatchCommands.Add(new NpgsqlBatchCommand(statement)
            {
                Parameters =
                {
                    new NpgsqlParameter<int[]> { TypedValue = [.. Enumerable.Range(0, owners.Count)] },
                    Columns.FromItems(owners, owner => (short)owner.Kind),
                    Columns.FromItems(owners, owner => owner.Id),
                },
            });
        }

        var found = new OwnerRows[owners.Count];
        await using var reader = await batch.ExecuteReaderAsync();
        while (await reader.ReadAsync())
        {
            found[reader.GetInt32(0)] = new OwnerRows(ReadOwner(reader, 1));
        }

        await reader.NextResultAsync();
        while (await reader.ReadAsync())
        {
            found[reader.GetInt32(0)].Secrets.Add(ReadSecret(reader, owners[reader.GetInt32(0)]));
        }

        await reader.NextResultAsync();
        while (await reader.ReadAsync())
        {
            var owner = owners[reader.GetInt32(0)];
            found[reader.GetInt32(0)].DataKeys.Add(new DataKeyRow
            {
                Id = reader.GetGuid(1),
                OwnerKind = owner.Kind,
                OwnerId = owner.Id,
                Wrapped = reader.GetFieldValue<byte[]>(2),
                CreatedAt = reader.GetFieldValue<DateTimeOffset>(3),
                RetiredAt = reader.IsDBNull(4) ? null : reader.GetFieldValue<DateTimeOffset>(4),
            });
        }

        return found;
    }

    /// <summary>Reads an owner from six columns: stamp, version, secrets, bytes used, account, whether the audit has a later version.</summary>
    public static OwnerRow ReadOwner(NpgsqlDataReader row, int first) => new(
        row.GetInt64(first), row.GetInt64(first + 1), row.GetInt32(first + 2), row.GetInt64(first + 3), row.Optional<byte[]>(first + 4), row.GetBoolean(first + 5));

    private static StoredSecret ReadSecret(NpgsqlDataReader row, SecretOwner owner)
    {
        var (numbers, workspaces) = (row.GetFieldValue<int[]>(20), row.GetFieldValue<string[]>(21));
        return new StoredSecret
        {
            Id = row.GetGuid(1),
            Owner = owner,
            Name = row.GetString(2),
            NameKey = row.GetFieldValue<byte[]>(3),
            Description = row.GetString(4),
            ToolName = row.Optional<string>(5),
            ToolArg = row.Optional<string>(6),
            IsDefaultForTool = row.GetBoolean(7),
            ToolKey = row.Optional<byte[]>(8),
            ArgKey = row.Optional<byte[]>(9),
            PatternArgKey = row.Optional<byte[]>(10),
            WorkspaceRule = row.GetInt16(11),
            Envelope = row.GetFieldValue<byte[]>(12),
            Display = row.GetString(13),
            Size = row.GetInt32(14),
            Version = row.GetInt32(15),
            CreatedAt = row.GetFieldValue<DateTimeOffset>(16),
            CreatedBy = row.GetGuid(17),
            UpdatedAt = row.GetFieldValue<DateTimeOffset>(18),
            UpdatedBy = row.GetGuid(19),
            Grants = numbers.Length == 0 ? [] : [.. numbers.Zip(workspaces, (number, workspace) => new StoredGrant(number, workspace))],
        };
    }
}
