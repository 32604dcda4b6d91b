using System.Data;
using Microsoft.Data.SqlClient;

namespace Secrets.Infrastructure.Persistence.SqlServer;

/// <summary>Stores any number of audit rows with one batch of statements.</summary>
internal sealed class SqlServerAuditStore : IAuditStore
{
    private static readonly SentRows<AuditEntry> Sent =
        new("@rows", [new SentColumn<AuditEntry, long>("sequence", ColumnKind.Large, entry => entry.Sequence), .. AuditColumns.All]);

    internal static readonly string Append = Statement("");

    /// <summary>Checks preconditions when the UPDATE starts. Every request in the batch was made before that.</summary>
    internal static readonly string AppendIf = Statement($"AND {SqlServerPreconditions.AllHold} {SqlServerSecretsDbContext.InGivenOrder}");

    public async Task<bool> AppendAsync(SecretsDbContext db, AuditAppend rows, PreconditionSet preconditions, bool commits)
    {
        await using var open = await OpenConnection.OpenAsync(db);
        await using var command = SqlServerSecretsDbContext.CommandOf(db, preconditions.IsEmpty ? Append : AppendIf);
        command.Parameters.AddRange(
        [
            new SqlParameter("@writer", SqlDbType.Binary, 16) { Value = UuidBytes.ToStored(rows.Writer) },
            new SqlParameter("@before", SqlDbType.BigInt) { Value = rows.Before },
            new SqlParameter("@last", SqlDbType.BigInt) { Value = rows.Last.Sequence },
            new SqlParameter("@hash", SqlDbType.Binary, 32) { Value = rows.Last.Hash },
            new SqlParameter("@headMac", SqlDbType.Binary, 32) { Value = rows.HeadMac },
        ]);
        Sent.AddTo(command, rows.Entries);
        if (!preconditions.IsEmpty)
        {
            SqlServerPreconditions.Add(command, preconditions);
        }

        if (await command.ExecuteScalarAsync() is not 1)
        {
            return false;
        }

        // Not in the batch: error 266 refuses a COMMIT of a transaction that began outside the batch.
        if (commits)
        {
            await db.Database.CurrentTransaction!.CommitAsync();
        }

        return true;
    }

    public Task<PreconditionSet> FindStaleAsync(SecretsDbContext db, PreconditionSet preconditions) => SqlServerPreconditions.FindStaleAsync(db, preconditions);

    /// <summary>
    /// Stores rows only if the head moved. Inside another transaction, BEGIN TRANSACTION only increments a counter. XACT_ABORT, because an error
    /// would otherwise end one statement and keep the other.
    /// </summary>
    private static string Statement(string andIf) =>
        $"""
        SET NOCOUNT, XACT_ABORT ON;
        DECLARE @moved int;
        BEGIN TRANSACTION;
        UPDATE audit_writers SET sequence = @last, hash = @hash, head_mac = @headMac WHERE id = @writer AND sequence = @before {andIf};
        SET @moved = @@ROWCOUNT;
        IF @moved = 1
            INSERT INTO audit (writer, sequence, {AuditColumns.All.Names(SentRows<AuditEntry>.Quote)})
            SELECT @writer, sequence, {AuditColumns.All.Names(SentRows<AuditEntry>.Quote)}
            FROM {Sent.Source};
        COMMIT TRANSACTION;
        SELECT @moved;
        """;
}
