using System.Data;
using Microsoft.Data.SqlClient;
using Microsoft.EntityFrameworkCore.Storage;

namespace Secrets.Infrastructure.Persistence.SqlServer;

/// <summary>Stores rows of the audit with one batch of statements, whatever their number.</summary>
internal sealed class SqlServerAuditStore : IAuditStore
{
    /// <summary>
    /// Rows are stored only if the head moved. The transaction is for when there is none around it; in another it only counts. XACT_ABORT,
    /// because an error would otherwise end one statement and leave the other.
    /// </summary>
    internal const string Append =
        $"""
        SET NOCOUNT, XACT_ABORT ON;
        DECLARE @moved int;
        BEGIN TRANSACTION;
        UPDATE audit_writers SET sequence = @last, hash = @hash, head_mac = @headMac WHERE id = @writer AND sequence = @before;
        SET @moved = @@ROWCOUNT;
        IF @moved = 1
            INSERT INTO audit (
                writer, sequence, [at], actor, key_id, token_issuer, token_subject, [action], outcome, owner_kind, owner_id, owner_version, secret_id, secret_version,
                target_key_id, target_key_user_id, tool_name, tool_arg, [address], agent_id, run_id, tool_call_id, request_id, client_request_id, left_out, hash)
            SELECT
                @writer, sequence, [at], actor, key_id, token_issuer, token_subject, [action], outcome, owner_kind, owner_id, owner_version, secret_id, secret_version,
                target_key_id, target_key_user_id, tool_name, tool_arg, [address], agent_id, run_id, tool_call_id, request_id, client_request_id, left_out, hash
            FROM OPENJSON(@rows) WITH (
                sequence bigint '$[0]', [at] datetimeoffset(6) '$[1]', actor binary(16) '$[2]', [action] smallint '$[3]', outcome smallint '$[4]',
                owner_kind smallint '$[5]', owner_id {ComparedText.ColumnType} '$[6]', secret_id binary(16) '$[7]', secret_version int '$[8]',
                target_key_id binary(16) '$[9]', tool_name nvarchar(max) '$[10]', tool_arg nvarchar(max) '$[11]', [address] nvarchar(max) '$[12]',
                request_id nvarchar(max) '$[13]', hash binary(32) '$[14]', owner_version bigint '$[15]', target_key_user_id binary(16) '$[16]',
                key_id binary(16) '$[17]', token_issuer nvarchar(max) '$[18]', token_subject nvarchar(max) '$[19]', agent_id nvarchar(max) '$[20]',
                run_id nvarchar(max) '$[21]', tool_call_id nvarchar(max) '$[22]', client_request_id nvarchar(max) '$[23]',
                left_out int '$[24]');
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
                JsonRows.FromItems("@rows", rows.Entries, static (json, entry) =>
                {
                    json.Add(entry.Sequence);
                    json.Add(entry.At);
                    json.Add(entry.Actor);
                    json.Add((long)entry.Action);
                    json.Add((long)entry.Outcome);
                    json.Add((long?)entry.OwnerKind);
                    json.AddCompared(entry.OwnerId);
                    json.Add(entry.SecretId);
                    json.Add(entry.SecretVersion);
                    json.Add(entry.TargetKeyId);
                    json.Add(entry.ToolName);
                    json.Add(entry.ToolArg);
                    json.Add(entry.Address);
                    json.Add(entry.RequestId);
                    json.Add(entry.Hash);
                    json.Add(entry.OwnerVersion);
                    json.Add(entry.TargetKeyUserId);
                    json.Add(entry.KeyId);
                    json.Add(entry.TokenIssuer);
                    json.Add(entry.TokenSubject);
                    json.Add(entry.AgentId);
                    json.Add(entry.RunId);
                    json.Add(entry.ToolCallId);
                    json.Add(entry.ClientRequestId);
                    json.Add(entry.LeftOut);
                }),
            },
        };
        if (await command.ExecuteScalarAsync() is not 1)
        {
            return false;
        }

        // Not in the batch: a COMMIT there of a transaction that was begun outside of it is an error of its own (266).
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
