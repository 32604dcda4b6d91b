using System.Data.Common;
using Npgsql;
using Secrets.Application.Secrets;

namespace Secrets.Infrastructure.Persistence.Postgres;

/// <summary>Stores new secrets, sent as arrays, so that the statements have the same text for any number of rows.</summary>
internal sealed class PostgresNewSecretStore(IDatabaseFaults faults) : INewSecretStore, INewSecretsAtOnce
{
    // Locks in the order of the arrays, which is the lock order.
    private const string LockOwners =
        """
        SELECT 1 FROM unnest($1::smallint[], $2::text[]) AS i (kind, id)
        CROSS JOIN LATERAL (SELECT 1 FROM owners WHERE kind = i.kind AND id = i.id FOR UPDATE) o
        """;

    // A statement after the lock, because a statement sees the data at its start: this one sees the last write to each account.
    private static readonly string ReadAccounts =
        $"""
        SELECT coalesce(o.stamp, 0), coalesce(o.version, 0), coalesce(o.secrets, 0), coalesce(o.bytes_used, 0), o.account, {PostgresPreconditions.AuditedVersion}
        FROM unnest($1::smallint[], $2::text[]) WITH ORDINALITY AS i (kind, id, place)
        LEFT JOIN owners o ON o.kind = i.kind AND o.id = i.id
        ORDER BY i.place
        """;

    private const string MoveAccounts =
        """
        UPDATE owners o SET stamp = o.stamp + 1, version = i.version, secrets = i.secrets, bytes_used = i.bytes_used, account = i.account
        FROM unnest($1::smallint[], $2::text[], $3::bigint[], $4::int[], $5::bigint[], $6::bytea[]) AS i (kind, id, version, secrets, bytes_used, account)
        WHERE o.kind = i.kind AND o.id = i.id
        """;

    // Stops the batch unless every account has the expected version and its data key exists: the square root of a negative number is an error.
    private static readonly string MoveOrFail =
        $"""
        WITH moved AS (
            UPDATE owners o SET stamp = o.stamp + 1, version = i.version, secrets = i.secrets, bytes_used = i.bytes_used, account = i.account
            FROM unnest($1::smallint[], $2::text[], $3::bigint[], $4::int[], $5::bigint[], $6::bytea[], $7::bytea[], $8::bigint[])
                AS i (kind, id, version, secrets, bytes_used, account, before, version_before)
            WHERE o.kind = i.kind AND o.id = i.id AND o.version = i.version_before AND o.account = i.before AND NOT {PostgresPreconditions.OwnerIsBehind("i.version_before")}
            RETURNING 1
        ), current AS (
            SELECT 1 FROM unnest($9::uuid[]) AS i (id)
            CROSS JOIN LATERAL (SELECT 1 FROM data_keys WHERE id = i.id AND retired_at IS NULL) k
        )
        SELECT sqrt((SELECT count(*) FROM moved) - cardinality($1)), sqrt((SELECT count(*) FROM current) - cardinality($9))
        """;

    private static readonly UnnestedRows<Secret> Sent = new(SecretColumns.All, firstParameter: 1);

    private static readonly string InsertAll =
        $"""
        INSERT INTO secrets ({SecretColumns.All.Names(ArrayParameters.Quote)})
        SELECT {SecretColumns.All.Values(ArrayParameters.Quote)}
        FROM unnest({Sent.Arrays}) AS i ({Sent.Names})
        """;

    // Stores no secret whose data key was removed: its envelope could never be opened.
    private static readonly string StoreFitting =
        $"""
        {InsertAll}
        WHERE EXISTS (SELECT 1 FROM data_keys k WHERE k.id = encode(substring(i.envelope, 2, 16), 'hex')::uuid AND k.retired_at IS NULL)
        ON CONFLICT DO NOTHING
        RETURNING id
        """;

    private static readonly string OverlapsOfNames = OverlapCandidates("pattern_arg_key");
    private static readonly string OverlapsOfPatterns = OverlapCandidates("arg_key");

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
            accounts.Add(OwnerRow.FromRow(reader, 0));
        }

        return accounts;
    }

    public async Task<IReadOnlyList<NewSecret?>> StoreAsync(SecretsDbContext db, IReadOnlyList<Secret> secrets)
    {
        await using var batch = new NpgsqlBatch((NpgsqlConnection)db.Database.GetDbConnection());
        batch.BatchCommands.Add(ForSecrets(StoreFitting, secrets));
        AddOverlapQueries(batch, secrets);
        await using var reader = await batch.ExecuteReaderAsync();
        return await NewSecretRows.ReadAsync(reader, Id, secrets);
    }

    public async Task UpdateAccountsAsync(SecretsDbContext db, IReadOnlyList<AccountChange> accounts)
    {
        await using var batch = new NpgsqlBatch((NpgsqlConnection)db.Database.GetDbConnection()) { BatchCommands = { Move(MoveAccounts, accounts) } };
        await batch.ExecuteNonQueryAsync();
    }

    public async Task<(AuditWrite Outcome, IReadOnlyList<NewSecret> Stored)> StoreAllAsync(
        SecretsDbContext db, IReadOnlyList<Secret> secrets, IReadOnlyList<AccountChange> accounts, AuditAppend rows)
    {
        await using var batch = new NpgsqlBatch((NpgsqlConnection)db.Database.GetDbConnection());
        batch.BatchCommands.Add(ForOwners(LockOwners, [.. accounts.Select(move => move.Owner)]));
        var move = Move(MoveOrFail, accounts);
        move.Parameters.Add(ArrayParameters.FromItems(accounts, account => account.Before.Sealed));
        move.Parameters.Add(ArrayParameters.FromItems(accounts, account => account.Before.Account.Version));
        move.Parameters.Add(ArrayParameters.FromItems(accounts, account => account.After.Account.CurrentKey));
        batch.BatchCommands.Add(move);
        batch.BatchCommands.Add(ForSecrets(InsertAll, secrets));
        AddOverlapQueries(batch, secrets);
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
            // A statement failed, so the batch did not reach its COMMIT.
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
        Parameters = { ArrayParameters.FromItems(owners, owner => (short)owner.Kind), ArrayParameters.FromItems(owners, owner => owner.Id) },
    };

    private static NpgsqlBatchCommand Move(string sql, IReadOnlyList<AccountChange> accounts) => new(sql)
    {
        Parameters =
        {
            ArrayParameters.FromItems(accounts, move => (short)move.Owner.Kind),
            ArrayParameters.FromItems(accounts, move => move.Owner.Id),
            ArrayParameters.FromItems(accounts, move => move.After.Account.Version),
            ArrayParameters.FromItems(accounts, move => move.After.Account.Count),
            ArrayParameters.FromItems(accounts, move => move.After.Account.Bytes),
            ArrayParameters.FromItems(accounts, move => move.After.Sealed),
        },
    };

    private static NpgsqlBatchCommand ForSecrets(string sql, IReadOnlyList<Secret> secrets)
    {
        var command = new NpgsqlBatchCommand(sql);
        Sent.AddTo(command, secrets);
        return command;
    }

    private static void AddOverlapQueries(NpgsqlBatch batch, IReadOnlyList<Secret> secrets)
    {
        var defaults = secrets.Where(secret => secret.IsDefaultForTool).ToLookup(secret => secret.PatternArgKey is not null);
        Add(OverlapsOfNames, [.. defaults[false]]);
        Add(OverlapsOfPatterns, [.. defaults[true]]);

        void Add(string query, List<Secret> stored)
        {
            if (stored.Count > 0)
            {
                batch.BatchCommands.Add(new NpgsqlBatchCommand(query)
                {
                    Parameters =
                    {
                        ArrayParameters.FromItems(stored, secret => secret.Id),
                        ArrayParameters.FromItems(stored, secret => (short)secret.OwnerKind),
                        ArrayParameters.FromItems(stored, secret => secret.OwnerId),
                        ArrayParameters.FromItems(stored, secret => secret.ArgKey),
                        new NpgsqlParameter<int> { TypedValue = OverlapCandidate.MaxCount },
                    },
                });
            }
        }
    }
}
