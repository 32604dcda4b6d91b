using Npgsql;

namespace Secrets.Infrastructure.Persistence.Postgres;

/// <summary>Stores rows of the audit as arrays, one per column.</summary>
internal sealed class PostgresAuditStore : IAuditStore
{
    private const string HasMoved = "EXISTS (SELECT 1 FROM head)";

    // Divides by zero if the head did not move, so the batch stops before its COMMIT.
    private const string HasMovedOrFails = "1 / (SELECT count(*) FROM head) = 1";

    // PreconditionSet are checked when the statement starts. Every request in the batch was made before that.
    private static readonly string AllPreconditionsHold =
        $"""
        AND NOT EXISTS (
            SELECT 1 FROM unnest($29::smallint[], $30::text[], $31::bigint[], $32::bigint[]) AS i (kind, id, stamp, version) WHERE {PostgresPreconditions.OwnerHasChanged})
        AND NOT EXISTS (
            SELECT 1 FROM unnest($33::uuid[], $34::uuid[], $35::bigint[], $36::bigint[]) AS i (id, user_id, version, stamp) WHERE {PostgresPreconditions.KeyHasChanged("$37")})
        """;

    private static readonly string Append = Statement("", HasMoved);
    private static readonly string AppendOrFail = Statement("", HasMovedOrFails);
    private static readonly string AppendIf = Statement(AllPreconditionsHold, HasMoved);
    private static readonly string AppendIfOrFail = Statement(AllPreconditionsHold, HasMovedOrFails);

    public bool CanCheckPreconditions => true;

    public async Task<bool> AppendAsync(SecretsDbContext db, AuditAppend rows, PreconditionSet preconditions, bool commits)
    {
        await using var open = await OpenConnection.OpenAsync(db);
        await using var batch = new NpgsqlBatch((NpgsqlConnection)open.Connection);
        batch.BatchCommands.Add(preconditions.IsEmpty
            ? Command(commits ? AppendOrFail : Append, rows)
            : Command(commits ? AppendIfOrFail : AppendIf, rows, preconditions));
        if (commits)
        {
            batch.BatchCommands.Add(new NpgsqlBatchCommand("COMMIT"));
        }

        try
        {
            return await batch.ExecuteNonQueryAsync() == rows.Entries.Count;
        }
        catch (PostgresException exception) when (IsDisplaced(exception))
        {
            return false;
        }
    }

    public Task<PreconditionSet> FindStaleAsync(SecretsDbContext db, PreconditionSet preconditions) => PostgresPreconditions.FindStaleAsync(db, preconditions);

    /// <summary>Stores the rows, or fails: what follows it in a batch, a commit for example, is not reached then.</summary>
    public static NpgsqlBatchCommand OrFail(AuditAppend rows) => Command(AppendOrFail, rows);

    /// <summary>Whether <see cref="OrFail(AuditAppend)"/> failed because the chain ends elsewhere.</summary>
    public static bool IsDisplaced(PostgresException exception) => exception.SqlState is PostgresErrorCodes.DivisionByZero;

    // Rows are stored only if the head moved, in one statement, so that it needs no transaction around it.
    private static string Statement(string andIf, string then) =>
        $"""
        WITH head AS (
            UPDATE audit_writers SET sequence = $2 + cardinality($6::uuid[]), hash = $3, head_mac = $4
            WHERE id = $1 AND sequence = $2 {andIf}
            RETURNING id
        )
        INSERT INTO audit (
            writer, sequence, at, actor, key_id, token_issuer, token_subject, action, outcome, owner_kind, owner_id, owner_version, secret_id, secret_version, target_key_id,
            target_key_user_id, tool_name, tool_arg, address, agent_id, run_id, tool_call_id, request_id, client_request_id, left_out, hash)
        SELECT
            $1, $2 + place, at, actor, key_id, token_issuer, token_subject, action, outcome, owner_kind, owner_id, owner_version, secret_id, secret_version, target_key_id,
            target_key_user_id, tool_name, tool_arg, address, agent_id, run_id, tool_call_id, request_id, client_request_id, left_out, hash
        FROM unnest(
            $5::timestamptz[], $6::uuid[], $7::uuid[], $8::text[], $9::text[], $10::smallint[], $11::smallint[], $12::smallint[], $13::text[], $14::bigint[],
            $15::uuid[], $16::int[], $17::uuid[], $18::uuid[], $19::text[], $20::text[], $21::text[], $22::text[], $23::text[], $24::text[], $25::text[],
            $26::text[], $27::int[], $28::bytea[])
        WITH ORDINALITY AS i (
            at, actor, key_id, token_issuer, token_subject, action, outcome, owner_kind, owner_id, owner_version, secret_id, secret_version, target_key_id,
            target_key_user_id, tool_name, tool_arg, address, agent_id, run_id, tool_call_id, request_id, client_request_id, left_out, hash, place)
        WHERE {then}
        """;

    private static NpgsqlBatchCommand Command(string sql, AuditAppend rows, PreconditionSet preconditions)
    {
        var command = Command(sql, rows);
        PostgresPreconditions.AddOwners(command, preconditions);
        PostgresPreconditions.AddKeys(command, preconditions);
        return command;
    }

    private static NpgsqlBatchCommand Command(string sql, AuditAppend rows) =>
        new(sql)
        {
            Parameters =
            {
                new NpgsqlParameter<Guid> { TypedValue = rows.Writer },
                new NpgsqlParameter<long> { TypedValue = rows.Before },
                new NpgsqlParameter<byte[]> { TypedValue = rows.Last.Hash },
                new NpgsqlParameter<byte[]> { TypedValue = rows.HeadMac },
                Columns.FromItems(rows.Entries, entry => entry.At.UtcDateTime),
                Columns.FromItems(rows.Entries, entry => entry.Actor),
                Columns.FromOptionalItems(rows.Entries, entry => entry.KeyId),
                Columns.FromOptionalItems(rows.Entries, entry => entry.TokenIssuer),
                Columns.FromOptionalItems(rows.Entries, entry => entry.TokenSubject),
                Columns.FromItems(rows.Entries, entry => (short)entry.Action),
                Columns.FromItems(rows.Entries, entry => (short)entry.Outcome),
                Columns.FromOptionalItems(rows.Entries, entry => (short?)entry.OwnerKind),
                Columns.FromOptionalItems(rows.Entries, entry => entry.OwnerId),
                Columns.FromOptionalItems(rows.Entries, entry => entry.OwnerVersion),
                Columns.FromOptionalItems(rows.Entries, entry => entry.SecretId),
                Columns.FromOptionalItems(rows.Entries, entry => entry.SecretVersion),
                Columns.FromOptionalItems(rows.Entries, entry => entry.TargetKeyId),
                Columns.FromOptionalItems(rows.Entries, entry => entry.TargetKeyUserId),
                Columns.FromOptionalItems(rows.Entries, entry => entry.ToolName),
                Columns.FromOptionalItems(rows.Entries, entry => entry.ToolArg),
                Columns.FromOptionalItems(rows.Entries, entry => entry.Address),
                Columns.FromOptionalItems(rows.Entries, entry => entry.AgentId),
                Columns.FromOptionalItems(rows.Entries, entry => entry.RunId),
                Columns.FromOptionalItems(rows.Entries, entry => entry.ToolCallId),
                Columns.FromOptionalItems(rows.Entries, entry => entry.RequestId),
                Columns.FromOptionalItems(rows.Entries, entry => entry.ClientRequestId),
                Columns.FromOptionalItems(rows.Entries, entry => entry.LeftOut),
                Columns.FromItems(rows.Entries, entry => entry.Hash),
            },
        };
}
