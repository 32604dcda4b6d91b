using Npgsql;
using Secrets.Infrastructure.Persistence.Rows;

namespace Secrets.Infrastructure.Persistence.Postgres;

/// <summary>Reads all rows of owners. Owners are sent as arrays, so that the text of a statement does not depend on the number of owners.</summary>
internal sealed class PostgresOwnerRows : IOwnerRows
{
    private const string Requested = "unnest($1::int[], $2::smallint[], $3::text[]) AS i (place, kind, id)";

    // OFFSET 0 forces an index look-up for each owner. Without it, the planner may scan a small table from end to end for every batch.
    private const string OwnedByRequested = "WHERE owner_kind = i.kind AND owner_id = i.id OFFSET 0";

    private static readonly string SelectOwners =
        $"""
        SELECT i.place, coalesce(o.stamp, 0), coalesce(o.version, 0), coalesce(o.secrets, 0), coalesce(o.bytes_used, 0), o.account,
            {PostgresPreconditions.AuditedVersion}
        FROM {Requested}
        LEFT JOIN LATERAL (SELECT stamp, version, secrets, bytes_used, account FROM owners WHERE kind = i.kind AND id = i.id OFFSET 0) o ON true
        """;

    private const string SelectSecrets =
        $"""
        SELECT i.place, {StoredSecret.Columns},
            ARRAY(SELECT number FROM workspace_grants WHERE secret_id = s.id ORDER BY number),
            ARRAY(SELECT workspace FROM workspace_grants WHERE secret_id = s.id ORDER BY number)
        FROM {Requested}
        CROSS JOIN LATERAL (SELECT * FROM secrets {OwnedByRequested}) s
        """;

    private const string SelectDataKeys =
        $"""
        SELECT i.place, k.id, k.wrapped, k.created_at, k.retired_at
        FROM {Requested}
        CROSS JOIN LATERAL (SELECT * FROM data_keys {OwnedByRequested}) k
        """;

    public async Task<IReadOnlyList<OwnerRows>> ReadAsync(SecretsDbContext db, IReadOnlyList<SecretOwner> owners)
    {
        await using var open = await OpenConnection.OpenAsync(db);
        await using var batch = new NpgsqlBatch((NpgsqlConnection)open.Connection);
        foreach (var statement in (ReadOnlySpan<string>)[SelectOwners, SelectSecrets, SelectDataKeys])
        {
            batch.BatchCommands.Add(new NpgsqlBatchCommand(statement)
            {
                Parameters =
                {
                    new NpgsqlParameter<int[]> { TypedValue = [.. Enumerable.Range(0, owners.Count)] },
                    ArrayParameters.FromItems(owners, owner => (short)owner.Kind),
                    ArrayParameters.FromItems(owners, owner => owner.Id),
                },
            });
        }

        var found = new OwnerRows[owners.Count];
        await using var reader = await batch.ExecuteReaderAsync();
        while (await reader.ReadAsync())
        {
            found[reader.GetInt32(0)] = new OwnerRows(OwnerRow.FromRow(reader, 1));
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

    private static StoredSecret ReadSecret(NpgsqlDataReader row, SecretOwner owner)
    {
        var secret = StoredSecret.FromRow(row, 1, owner, static (reader, column) => reader.GetGuid(column), static (reader, column) => reader.GetInt16(column));
        var (numbers, workspaces) = (row.GetFieldValue<int[]>(1 + StoredSecret.ColumnCount), row.GetFieldValue<string[]>(2 + StoredSecret.ColumnCount));
        return numbers.Length == 0 ? secret
            : secret with { Grants = [.. numbers.Zip(workspaces, (number, workspace) => new StoredGrant(number, workspace))] };
    }
}
