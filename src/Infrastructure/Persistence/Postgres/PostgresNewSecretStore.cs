using System.Data.Common;
using Microsoft.EntityFrameworkCore;
using Npgsql;
using Secrets.Application.Secrets;
using Secrets.Domain.Secrets;

namespace Secrets.Infrastructure.Persistence.Postgres;

/// <summary>Stores new secrets as arrays, one per column, so that the statements are the same for any number of rows.</summary>
internal sealed class PostgresNewSecretStore(IDatabaseFaults faults) : INewSecretStore, INewSecretsAtOnce
{
    // In the order of the arrays, which is the same for everybody.
    private const string LockOwners =
        """
        SELECT 1 FROM unnest($1::smallint[], $2::text[]) AS i (kind, id)
        CROSS JOIN LATERAL (SELECT 1 FROM owners WHERE kind = i.kind AND id = i.id FOR UPDATE) o
        """;

    // After the lock, and a statement of its own as all that follow: what they read is what the last write to an account left.
    private static readonly string ReadAccounts =
        $"""
        SELECT coalesce(o.stamp, 0), coalesce(o.version, 0), coalesce(o.secrets, 0), coalesce(o.bytes_used, 0), o.account, {PostgresPreconditions.OwnerIsBehind("coalesce(o.version, 0)")}
        FROM unnest($1::smallint[], $2::text[]) WITH ORDINALITY AS i (kind, id, place)
        LEFT JOIN owners o ON o.kind = i.kind AND o.id = i.id
        ORDER BY i.place
        """;

    private const string MovedAccounts =
        """
        UPDATE owners o SET stamp = o.stamp + 1, version = i.version, secrets = i.secrets, bytes_used = i.bytes_used, account = i.account
        FROM unnest($1::smallint[], $2::text[], $3::bigint[], $4::int[], $5::bigint[], $6::bytea[]) AS i (kind, id, version, secrets, bytes_used, account)
        WHERE o.kind = i.kind AND o.id = i.id
        """;

    // The square root of a negative number is an error: the batch stops here unless every account is the expected one and the data key that it names is there.
    private static readonly string MoveOrFail =
        $"""
        WITH moved AS (
            UPDATE owners o SET stamp = o.stamp + 1, version = i.version, secrets = i.secrets, bytes_used = i.bytes_used, account = i.account
            FROM unnest($1::smallint[], $2::text[], $3::bigint[], $4::int[], $5::bigint[], $6::bytea[], $7::bytea[])
                AS i (kind, id, version, secrets, bytes_used, account, before)
            WHERE o.kind = i.kind AND o.id = i.id AND o.version = i.version - 1 AND o.account = i.before AND NOT {PostgresPreconditions.OwnerIsBehind("i.version - 1")}
            RETURNING 1
        ), current AS (
            SELECT 1 FROM unnest($8::uuid[]) AS i (id)
            CROSS JOIN LATERAL (SELECT 1 FROM data_keys WHERE id = i.id AND retired_at IS NULL) k
        )
        SELECT sqrt((SELECT count(*) FROM moved) - cardinality($1)), sqrt((SELECT count(*) FROM current) - cardinality($8))
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

    // The account names the data key. Whoever removed it would take with it whatever is sealed with it from now on.
    private const string StoreFitting =
        $"""
        {Insert} {Rows}
        WHERE EXISTS (SELECT 1 FROM data_keys k WHERE k.id = encode(substring(i.envelope, 2, 16), 'hex')::uuid AND k.retired_at IS NULL)
        ON CONFLICT DO NOTHING
        RETURNING id
        """;

    private static readonly string RivalsOfNames = OverlapCandidates("pattern_arg_key");
    private static readonly string RivalsOfPatterns = OverlapCandidates("arg_key");

    public async Task<IReadOnlyList<OwnerRow>> LockAsync(SecretsDbContext db, IReadOnlyList<SecretOwner> owners)
    {
        await using var batch = new NpgsqlBatch((NpgsqlConnection)db.Database.GetDbConnection())
        {
            BatchCommands = { ForOwners(LockOwners, owners), ForOwners(ReadAccounts, owners) },
        };
        var accounts = new List<OwnerRow>(owners.Count);
        await using var reader = await batch.ExecuteReaderAsync();
        await reader.NextResultAsync();
        while (await reader.ReadAsync())
        {
            accounts.Add(PostgresOwnerRows.ReadOwner(reader, 0));
        }

        return accounts;
    }

    public async Task<IReadOnlyList<NewSecret?>> StoreAsync(SecretsDbContext db, IReadOnlyList<Secret> secrets)
    {
        await using var batch = new NpgsqlBatch((NpgsqlConnection)db.Database.GetDbConnection());
        batch.BatchCommands.Add(ForSecrets(StoreFitting, secrets));
        AddRivals(batch, secrets);
        await using var reader = await batch.ExecuteReaderAsync();
        return await NewSecretRows.ReadAsync(reader, Id, secrets);
    }

    public async Task MoveAsync(SecretsDbContext db, IReadOnlyList<AccountMove> accounts)
    {
        await using var batch = new NpgsqlBatch((NpgsqlConnection)db.Database.GetDbConnection()) { BatchCommands = { Move(MovedAccounts, accounts) } };
        await batch.ExecuteNonQueryAsync();
    }

    public async Task<(AuditWrite Outcome, IReadOnlyList<NewSecret> Stored)> StoreAllAsync(
        SecretsDbContext db, IReadOnlyList<Secret> secrets, IReadOnlyList<AccountMove> accounts, AuditAppend rows)
    {
        await using var batch = new NpgsqlBatch((NpgsqlConnection)db.Database.GetDbConnection());
        batch.BatchCommands.Add(ForOwners(LockOwners, [.. accounts.Select(move => move.Owner)]));
        var move = Move(MoveOrFail, accounts);
        move.Parameters.Add(Columns.FromItems(accounts, account => account.Before.Sealed));
        move.Parameters.Add(Columns.FromItems(accounts, account => account.After.Account.CurrentKey));
        batch.BatchCommands.Add(move);
        batch.BatchCommands.Add(ForSecrets(InsertAll, secrets));
        AddRivals(batch, secrets);
        batch.BatchCommands.Add(PostgresAuditStore.OrFail(rows));
        batch.BatchCommands.Add(new NpgsqlBatchCommand("COMMIT"));
        try
        {
            await using var reader = await batch.ExecuteReaderAsync();
            await reader.NextResultAsync();
            var overlapCandidates = await NewSecretRows.ReadOverlapCandidatesAsync(reader, Id);
            return (AuditWrite.Done, [.. secrets.Select(secret => new NewSecret([.. overlapCandidates[secret.Id]]))]);
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

    private static string OverlapCandidates(string argKey) =>
        $"""
        SELECT i.id, s.id, s.name, s.tool_name
        FROM unnest($1::uuid[], $2::smallint[], $3::text[], $4::bytea[]) AS i (id, owner_kind, owner_id, arg_key)
        CROSS JOIN LATERAL (
            SELECT id, name, tool_name FROM secrets
            WHERE owner_kind = i.owner_kind AND owner_id = i.owner_id AND {argKey} = i.arg_key AND id <> i.id AND tool_name IS NOT NULL
            ORDER BY id LIMIT $5) s
        """;

    private static NpgsqlBatchCommand ForOwners(string sql, IReadOnlyList<SecretOwner> owners) => new(sql)
    {
        Parameters = { Columns.FromItems(owners, owner => (short)owner.Kind), Columns.FromItems(owners, owner => owner.Id) },
    };

    private static NpgsqlBatchCommand Move(string sql, IReadOnlyList<AccountMove> accounts) => new(sql)
    {
        Parameters =
        {
            Columns.FromItems(accounts, move => (short)move.Owner.Kind),
            Columns.FromItems(accounts, move => move.Owner.Id),
            Columns.FromItems(accounts, move => move.After.Account.Version),
            Columns.FromItems(accounts, move => move.After.Account.Count),
            Columns.FromItems(accounts, move => move.After.Account.Bytes),
            Columns.FromItems(accounts, move => move.After.Sealed),
        },
    };

    private static NpgsqlBatchCommand ForSecrets(string sql, IReadOnlyList<Secret> secrets) => new(sql)
    {
        Parameters =
        {
            Columns.FromItems(secrets, secret => secret.Id),
            Columns.FromItems(secrets, secret => (short)secret.OwnerKind),
            Columns.FromItems(secrets, secret => secret.OwnerId),
            Columns.FromItems(secrets, secret => secret.Name),
            Columns.FromItems(secrets, secret => secret.NameKey),
            Columns.FromItems(secrets, secret => secret.ToolName),
            Columns.FromItems(secrets, secret => secret.ToolArg),
            Columns.FromItems(secrets, secret => secret.IsDefaultForTool),
            Columns.FromItems(secrets, secret => secret.ToolKey),
            Columns.FromItems(secrets, secret => secret.ArgKey),
            Columns.FromItems(secrets, secret => secret.PatternArgKey),
            Columns.FromItems(secrets, secret => (short)secret.WorkspaceRule),
            Columns.FromItems(secrets, secret => secret.Envelope),
            Columns.FromItems(secrets, secret => secret.Display),
            Columns.FromItems(secrets, secret => secret.Size),
            Columns.FromItems(secrets, secret => secret.CreatedAt.UtcDateTime),
            Columns.FromItems(secrets, secret => secret.CreatedBy),
            Columns.FromItems(secrets, secret => secret.Description),
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
                        Columns.FromItems(stored, secret => secret.Id),
                        Columns.FromItems(stored, secret => (short)secret.OwnerKind),
                        Columns.FromItems(stored, secret => secret.OwnerId),
                        Columns.FromItems(stored, secret => secret.ArgKey),
                        new NpgsqlParameter<int> { TypedValue = OverlapCandidate.MaxCount },
                    },
                });
            }
        }
    }
}
