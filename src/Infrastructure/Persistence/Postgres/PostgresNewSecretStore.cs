using System.Data.Common;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Npgsql;
using Secrets.Application.Common;
using Secrets.Application.Secrets;
using Secrets.Domain.Secrets;

namespace Secrets.Infrastructure.Persistence.Postgres;

/// <summary>Stores new secrets as arrays, one per column, so that the statements are the same for any number of rows.</summary>
internal sealed class PostgresNewSecretStore(IOptions<QuotaOptions> quota, IDatabaseFaults faults) : INewSecretStore, INewSecretsAtOnce
{
    // In the order of the arrays, which is the same for everybody.
    private const string LockOwners =
        """
        SELECT 1 FROM unnest($1::smallint[], $2::text[]) AS i (kind, id)
        CROSS JOIN LATERAL (SELECT 1 FROM owners WHERE kind = i.kind AND id = i.id FOR UPDATE) o
        """;

    // After the lock, and a statement of its own as all that follow: what they read of an account is what the last write to it left.
    // There is no root of less than nothing: it fails unless all are charged and every key is still one to seal with, and what comes after it is not reached.
    private const string ChargeOrFail =
        """
        WITH charged AS (
            UPDATE owners o SET bytes_used = o.bytes_used + i.bytes, stamp = o.stamp + 1
            FROM unnest($1::smallint[], $2::text[], $3::bigint[]) AS i (kind, id, bytes)
            WHERE o.kind = i.kind AND o.id = i.id AND o.bytes_used + i.bytes <= $4
            RETURNING 1
        ), current AS (
            SELECT 1 FROM unnest($5::uuid[]) AS i (id)
            CROSS JOIN LATERAL (SELECT 1 FROM data_keys WHERE id = i.id AND retired_at IS NULL) k
        )
        SELECT sqrt((SELECT count(*) FROM charged) - cardinality($1)), sqrt((SELECT count(*) FROM current) - cardinality($5))
        """;

    private const string Rows =
        """
        unnest(
            $1::uuid[], $2::smallint[], $3::text[], $4::text[], $5::bytea[], $6::text[], $7::text[], $8::bool[], $9::bytea[],
            $10::bytea[], $11::bytea[], $12::smallint[], $13::bytea[], $14::text[], $15::int[], $16::timestamptz[], $17::uuid[], $18::text[])
        AS i (id, owner_kind, owner_id, name, name_key, tool_name, tool_arg, is_default_for_tool, tool_key,
            arg_key, pattern_arg_key, workspace_rule, envelope, display, size, created_at, created_by, description)
        """;

    private const string Insert =
        """
        INSERT INTO secrets (
            id, owner_kind, owner_id, name, name_key, tool_name, tool_arg, is_default_for_tool, tool_key, arg_key, pattern_arg_key,
            workspace_rule, envelope, display, size, version, created_at, created_by, updated_at, updated_by, description)
        SELECT
            i.id, i.owner_kind, i.owner_id, i.name, i.name_key, i.tool_name, i.tool_arg, i.is_default_for_tool, i.tool_key, i.arg_key, i.pattern_arg_key,
            i.workspace_rule, i.envelope, i.display, i.size, 1, i.created_at, i.created_by, i.created_at, i.created_by, i.description
        FROM
        """;

    private const string InsertAll = $"{Insert} {Rows}";

    private const string StoreFitting =
        $"""
        WITH input AS (
            SELECT * FROM {Rows} WHERE EXISTS (
                SELECT 1 FROM data_keys k WHERE k.id = encode(substring(i.envelope, 2, 16), 'hex')::uuid AND k.retired_at IS NULL)
        ), fitting AS (
            SELECT o.kind, o.id
            FROM (SELECT owner_kind, owner_id, sum(size) AS bytes FROM input GROUP BY owner_kind, owner_id) i
            JOIN owners o ON o.kind = i.owner_kind AND o.id = i.owner_id AND o.bytes_used + i.bytes <= $19
        ), stored AS (
            {Insert} input i JOIN fitting f ON f.kind = i.owner_kind AND f.id = i.owner_id
            ON CONFLICT DO NOTHING
            RETURNING id, owner_kind, owner_id, size
        ), charged AS (
            UPDATE owners o SET bytes_used = o.bytes_used + s.bytes, stamp = o.stamp + 1
            FROM (SELECT owner_kind, owner_id, sum(size) AS bytes FROM stored GROUP BY owner_kind, owner_id) s
            WHERE o.kind = s.owner_kind AND o.id = s.owner_id
        )
        SELECT id FROM stored
        """;

    private static readonly string RivalsOfNames = Rivals("pattern_arg_key");
    private static readonly string RivalsOfPatterns = Rivals("arg_key");

    public async Task<IReadOnlyList<NewSecret?>> StoreAsync(SecretsDbContext db, IReadOnlyList<Secret> secrets)
    {
        await using var batch = new NpgsqlBatch((NpgsqlConnection)db.Database.GetDbConnection());
        batch.BatchCommands.Add(Lock([.. NewSecretRows.Accounts(secrets)]));
        var store = Of(StoreFitting, secrets);
        store.Parameters.Add(Quota());
        batch.BatchCommands.Add(store);
        AddRivals(batch, secrets);

        await using var reader = await batch.ExecuteReaderAsync();
        await reader.NextResultAsync();
        return await NewSecretRows.ReadAsync(reader, Id, secrets);
    }

    public async Task<(AuditWrite Outcome, IReadOnlyList<NewSecret> Stored)> StoreAllAsync(
        SecretsDbContext db, IReadOnlyList<Secret> secrets, AuditAppend rows)
    {
        var accounts = NewSecretRows.Accounts(secrets).ToList();
        await using var batch = new NpgsqlBatch((NpgsqlConnection)db.Database.GetDbConnection());
        batch.BatchCommands.Add(Lock(accounts));
        batch.BatchCommands.Add(Charge(accounts, [.. secrets.Select(NewSecretRows.KeyIdOf).Distinct()]));
        batch.BatchCommands.Add(Of(InsertAll, secrets));
        AddRivals(batch, secrets);
        batch.BatchCommands.Add(PostgresAuditStore.OrFail(rows));
        batch.BatchCommands.Add(new NpgsqlBatchCommand("COMMIT"));
        try
        {
            await using var reader = await batch.ExecuteReaderAsync();
            await reader.NextResultAsync();
            var rivals = await NewSecretRows.ReadRivalsAsync(reader, Id);
            return (AuditWrite.Done, [.. secrets.Select(secret => new NewSecret([.. rivals[secret.Id]]))]);
        }
        catch (PostgresException exception) when (PostgresAuditStore.IsDisplaced(exception))
        {
            return (AuditWrite.Displaced, []);
        }
        catch (PostgresException exception) when (!faults.IsUnavailable(exception))
        {
            // Whatever it is, the server said it of a statement, and did not commit.
            return (AuditWrite.Refused, []);
        }
    }

    private static Guid Id(DbDataReader row, int at) => row.GetGuid(at);

    private static string Rivals(string argKey) =>
        $"""
        SELECT i.id, s.id, s.name, s.tool_name
        FROM unnest($1::uuid[], $2::smallint[], $3::text[], $4::bytea[]) AS i (id, owner_kind, owner_id, arg_key)
        CROSS JOIN LATERAL (
            SELECT id, name, tool_name FROM secrets
            WHERE owner_kind = i.owner_kind AND owner_id = i.owner_id AND {argKey} = i.arg_key AND id <> i.id
            ORDER BY id LIMIT $5) s
        """;

    private static NpgsqlBatchCommand Lock(List<(SecretOwner Owner, long Bytes)> accounts) => new(LockOwners)
    {
        Parameters = { Columns.Of(accounts, account => (short)account.Owner.Kind), Columns.Of(accounts, account => account.Owner.Id) },
    };

    private NpgsqlBatchCommand Charge(List<(SecretOwner Owner, long Bytes)> accounts, List<Guid> keyIds) => new(ChargeOrFail)
    {
        Parameters =
        {
            Columns.Of(accounts, account => (short)account.Owner.Kind),
            Columns.Of(accounts, account => account.Owner.Id),
            Columns.Of(accounts, account => account.Bytes),
            Quota(),
            Columns.Of(keyIds, id => id),
        },
    };

    private NpgsqlParameter<long> Quota() => new() { TypedValue = quota.Value.BytesPerOwner };

    private static NpgsqlBatchCommand Of(string sql, IReadOnlyList<Secret> secrets) => new(sql)
    {
        Parameters =
        {
            Columns.Of(secrets, secret => secret.Id),
            Columns.Of(secrets, secret => (short)secret.OwnerKind),
            Columns.Of(secrets, secret => secret.OwnerId),
            Columns.Of(secrets, secret => secret.Name),
            Columns.Of(secrets, secret => secret.NameKey),
            Columns.Of(secrets, secret => secret.ToolName),
            Columns.Of(secrets, secret => secret.ToolArg),
            Columns.Of(secrets, secret => secret.IsDefaultForTool),
            Columns.Of(secrets, secret => secret.ToolKey),
            Columns.Of(secrets, secret => secret.ArgKey),
            Columns.Of(secrets, secret => secret.PatternArgKey),
            Columns.Of(secrets, secret => (short)secret.WorkspaceRule),
            Columns.Of(secrets, secret => secret.Envelope),
            Columns.Of(secrets, secret => secret.Display),
            Columns.Of(secrets, secret => secret.Size),
            Columns.Of(secrets, secret => secret.CreatedAt.UtcDateTime),
            Columns.Of(secrets, secret => secret.CreatedBy),
            Columns.Of(secrets, secret => secret.Description),
        },
    };

    private static void AddRivals(NpgsqlBatch batch, IReadOnlyList<Secret> secrets)
    {
        var defaults = secrets.Where(secret => secret.IsDefaultForTool).ToLookup(secret => secret.PatternArgKey is not null);
        Add(RivalsOfNames, [.. defaults[false]]);
        Add(RivalsOfPatterns, [.. defaults[true]]);

        void Add(string query, List<Secret> stored)
        {
            if (stored.Count > 0)
            {
                batch.BatchCommands.Add(new NpgsqlBatchCommand(query)
                {
                    Parameters =
                    {
                        Columns.Of(stored, secret => secret.Id),
                        Columns.Of(stored, secret => (short)secret.OwnerKind),
                        Columns.Of(stored, secret => secret.OwnerId),
                        Columns.Of(stored, secret => secret.ArgKey),
                        new NpgsqlParameter<int> { TypedValue = Rival.MaxCount },
                    },
                });
            }
        }
    }
}
