using System.Data;
using Microsoft.Data.SqlClient;
using Microsoft.EntityFrameworkCore.Storage;

namespace Secrets.Infrastructure.Persistence.SqlServer;

/// <summary>Stores any number of audit rows with one batch of statements.</summary>
internal sealed class SqlServerAuditStore : IAuditStore
{
    private static readonly SentRows<AuditEntry> Sent =
        new("@rows", [new SentColumn<AuditEntry, long>("sequence", ColumnKind.Large, entry => entry.Sequence), .. AuditColumns.All]);

    /// <summary>
    /// Stores rows only if the head moved. Inside another transaction, BEGIN TRANSACTION only increments a counter. XACT_ABORT, because an error
    /// would otherwise end one statement and keep the other.
    /// </summary>
    internal static readonly string Append =
        $"""
        SET NOCOUNT, XACT_ABORT ON;
        DECLARE @moved int;
        BEGIN TRANSACTION;
        UPDATE audit_writers SET sequence = @last, hash = @hash, head_mac = @headMac WHERE id = @writer AND sequence = @before;
        SET @moved = @@ROWCOUNT;
        IF @moved = 1
            INSERT INTO audit (writer, sequence, {AuditColumns.All.Names(SentRows<AuditEntry>.Quote)})
            SELECT @writer, sequence, {AuditColumns.All.Names(SentRows<AuditEntry>.Quote)}
            FROM {Sent.Source};
        COMMIT TRANSACTION;
        SELECT @moved;
        """;

    public bool CanCheckPreconditions => false;

    public async Task<bool> AppendAsync(SecretsDbContext db, AuditAppend rows, PreconditionSet preconditions, bool commits)
    {
        RequireNone(preconditions);
        await using var open = await OpenConnection.OpenAsync(db);
        var transaction = db.Database.CurrentTransaction;
        await using var command = new SqlCommand(Append, (SqlConnection)open.Connection, (SqlTransaction?)transaction?.GetDbTransaction())
        {
            Parameters =
            {
                new SqlParameter("@writer", SqlDbType.Binary, 16) { Value = UuidBytes.ToStored(rows.Writer) },
                new SqlParameter("@before", SqlDbType.BigInt) { Value = rows.Before },
                new SqlParameter("@last", SqlDbType.BigInt) { Value = rows.Last.Sequence },
                new SqlParameter("@hash", SqlDbType.Binary, 32) { Value = rows.Last.Hash },
                new SqlParameter("@headMac", SqlDbType.Binary, 32) { Value = rows.HeadMac },
            },
        };
        Sent.AddTo(command, rows.Entries);
        if (await command.ExecuteScalarAsync() is not 1)
        {
            return false;
        }

        // Not in the batch: error 266 refuses a COMMIT of a transaction that began outside the batch.
        if (commits)
        {
            await transaction!.CommitAsync();
        }

        return true;
    }

    public Task<PreconditionSet> FindStaleAsync(SecretsDbContext db, PreconditionSet preconditions)
    {
        RequireNone(preconditions);
        return Task.FromResult(PreconditionSet.None);
    }

    private static void RequireNone(PreconditionSet preconditions)
    {
        if (!preconditions.IsEmpty)
        {
            throw new NotSupportedException("An answer rests on a cache, and this database cannot check preconditions.");
        }
    }
}
