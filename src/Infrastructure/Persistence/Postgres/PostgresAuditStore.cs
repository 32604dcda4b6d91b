using Npgsql;

namespace Secrets.Infrastructure.Persistence.Postgres;

/// <summary>Stores audit rows, sent as arrays.</summary>
internal sealed class PostgresAuditStore : IAuditStore
{
    private const string HasMoved = "EXISTS (SELECT 1 FROM head)";

    // Divides by zero if the head did not move, so that the batch stops before its COMMIT.
    private const string HasMovedOrFails = "1 / (SELECT count(*) FROM head) = 1";

    private static readonly UnnestedRows<AuditEntry> Sent = new(AuditColumns.All, firstParameter: 5);

    // Preconditions are checked when the statement starts. Every request in the batch was made before that.
    private static readonly string AllPreconditionsHold =
        $"""
        AND NOT EXISTS (
            SELECT 1 FROM unnest(${Sent.NextParameter}::smallint[], ${Sent.NextParameter + 1}::text[], ${Sent.NextParameter + 2}::bigint[], ${Sent.NextParameter + 3}::bigint[])
                AS i (kind, id, stamp, version) WHERE {PostgresPreconditions.OwnerHasChanged})
        AND NOT EXISTS (
            SELECT 1 FROM unnest(${Sent.NextParameter + 4}::uuid[], ${Sent.NextParameter + 5}::uuid[], ${Sent.NextParameter + 6}::bigint[], ${Sent.NextParameter + 7}::bigint[])
                AS i (id, user_id, version, stamp) WHERE {PostgresPreconditions.KeyHasChanged($"${Sent.NextParameter + 8}")})
        """;

    private static readonly string Append = Statement("", HasMoved);
    private static readonly string AppendOrFail = Statement("", HasMovedOrFails);
    private static readonly string AppendIf = Statement(AllPreconditionsHold, HasMoved);
    private static readonly string AppendIfOrFail = Statement(AllPreconditionsHold, HasMovedOrFails);

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

    /// <summary>Stores the rows or fails, so that later commands of the batch, such as a commit, do not run.</summary>
    public static NpgsqlBatchCommand OrFail(AuditAppend rows) => Command(AppendOrFail, rows);

    /// <summary>Whether <see cref="OrFail(AuditAppend)"/> failed because the chain ends elsewhere.</summary>
    public static bool IsDisplaced(PostgresException exception) => exception.SqlState is PostgresErrorCodes.DivisionByZero;

    // One statement stores rows only if the head moved, so that no transaction is needed.
    private static string Statement(string andIf, string then) =>
        $"""
        WITH head AS (
            UPDATE audit_writers SET sequence = $2 + {Sent.Count}, hash = $3, head_mac = $4
            WHERE id = $1 AND sequence = $2 {andIf}
            RETURNING id
        )
        INSERT INTO audit (writer, sequence, {Sent.Names})
        SELECT $1, $2 + place, {Sent.Names}
        FROM unnest({Sent.Arrays}) WITH ORDINALITY AS i ({Sent.Names}, place)
        WHERE {then}
        """;

    private static NpgsqlBatchCommand Command(string sql, AuditAppend rows, PreconditionSet preconditions)
    {
        var command = Command(sql, rows);
        PostgresPreconditions.AddOwners(command, preconditions);
        PostgresPreconditions.AddKeys(command, preconditions);
        return command;
    }

    private static NpgsqlBatchCommand Command(string sql, AuditAppend rows)
    {
        var command = new NpgsqlBatchCommand(sql)
        {
            Parameters =
            {
                new NpgsqlParameter<Guid> { TypedValue = rows.Writer },
                new NpgsqlParameter<long> { TypedValue = rows.Before },
                new NpgsqlParameter<byte[]> { TypedValue = rows.Last.Hash },
                new NpgsqlParameter<byte[]> { TypedValue = rows.HeadMac },
            },
        };
        Sent.AddTo(command, rows.Entries);
        return command;
    }
}
