using Npgsql;
using Secrets.Domain.Audit;

namespace Secrets.Infrastructure.Persistence.Postgres;

/// <summary>Stores rows of the audit as arrays, one per column.</summary>
internal sealed class PostgresAuditStore : IAuditStore
{
    // Rows are stored only if the head moved, in one statement, so that it needs no transaction around it.
    private const string Append =
        """
        WITH head AS (
            UPDATE audit_writers SET sequence = $2 + cardinality($6::uuid[]), hash = $3, head_mac = $4
            WHERE id = $1 AND sequence = $2
            RETURNING id
        )
        INSERT INTO audit (
            writer, sequence, at, actor, action, outcome, owner_kind, owner_id, secret_id, secret_version, key_id, tool_name, tool_arg,
            address, request_id, hash)
        SELECT
            $1, $2 + place, at, actor, action, outcome, owner_kind, owner_id, secret_id, secret_version, key_id, tool_name, tool_arg,
            address, request_id, hash
        FROM unnest(
            $5::timestamptz[], $6::uuid[], $7::smallint[], $8::smallint[], $9::smallint[], $10::text[], $11::uuid[], $12::int[],
            $13::uuid[], $14::text[], $15::text[], $16::text[], $17::text[], $18::bytea[])
        WITH ORDINALITY AS i (
            at, actor, action, outcome, owner_kind, owner_id, secret_id, secret_version, key_id, tool_name, tool_arg, address,
            request_id, hash, place)
        WHERE EXISTS (SELECT 1 FROM head)
        """;

    // Fails where the other stores nothing: the commit that follows it is not reached.
    private static readonly string AppendOrFail =
        Append.Replace("EXISTS (SELECT 1 FROM head)", "1 / (SELECT count(*) FROM head) = 1", StringComparison.Ordinal);

    public async Task<bool> AppendAsync(SecretsDbContext db, IReadOnlyList<AuditEntry> entries, byte[] headMac, bool commits)
    {
        await using var open = await OpenConnection.OfAsync(db);
        await using var batch = new NpgsqlBatch((NpgsqlConnection)open.Connection);
        batch.BatchCommands.Add(Command(commits ? AppendOrFail : Append, entries, headMac));
        if (commits)
        {
            batch.BatchCommands.Add(new NpgsqlBatchCommand("COMMIT"));
        }

        try
        {
            return await batch.ExecuteNonQueryAsync() == entries.Count;
        }
        catch (PostgresException exception) when (exception.SqlState is PostgresErrorCodes.DivisionByZero)
        {
            return false;
        }
    }

    private static NpgsqlBatchCommand Command(string sql, IReadOnlyList<AuditEntry> entries, byte[] headMac) =>
        new(sql)
        {
            Parameters =
            {
                new NpgsqlParameter<Guid> { TypedValue = entries[0].Writer },
                new NpgsqlParameter<long> { TypedValue = entries[0].Sequence - 1 },
                new NpgsqlParameter<byte[]> { TypedValue = entries[^1].Hash },
                new NpgsqlParameter<byte[]> { TypedValue = headMac },
                Columns.Of(entries, entry => entry.At.UtcDateTime),
                Columns.Of(entries, entry => entry.Actor),
                Columns.Of(entries, entry => (short)entry.Action),
                Columns.Of(entries, entry => (short)entry.Outcome),
                Columns.Of(entries, entry => (short?)entry.OwnerKind),
                Columns.Of(entries, entry => entry.OwnerId),
                Columns.Of(entries, entry => entry.SecretId),
                Columns.Of(entries, entry => entry.SecretVersion),
                Columns.Of(entries, entry => entry.KeyId),
                Columns.Of(entries, entry => entry.ToolName),
                Columns.Of(entries, entry => entry.ToolArg),
                Columns.Of(entries, entry => entry.Address),
                Columns.Of(entries, entry => entry.RequestId),
                Columns.Of(entries, entry => entry.Hash),
            },
        };
}
