using Npgsql;
using Secrets.Application.Common;
using Secrets.Domain.Resolution;
using Secrets.Domain.Secrets;

namespace Secrets.Infrastructure.Persistence.Postgres;

/// <summary>Reads owners as a whole, and confirms in the statement that stores rows of the audit that they have not changed.</summary>
internal sealed class PostgresConfirmations : IConfirmations
{
    // One statement: secrets and stamp are of one moment. OFFSET 0 and LIMIT have each owner look into the indexes.
    private static readonly string Read =
        $"""
        SELECT i.place, coalesce(o.stamp, 0), coalesce(o.bytes_used > $4, false), {PostgresCandidateReader.CandidateColumns}
        FROM unnest($1::int[], $2::smallint[], $3::text[]) AS i (place, kind, id)
        LEFT JOIN LATERAL (SELECT stamp, bytes_used FROM owners WHERE kind = i.kind AND id = i.id OFFSET 0) o ON true
        LEFT JOIN LATERAL (
            SELECT {PostgresCandidateReader.StoredColumns} FROM secrets
            WHERE owner_kind = i.kind AND owner_id = i.id AND o.bytes_used <= $4 LIMIT $5) s ON true
        """;

    /// <summary>What breaks a claim about an owner: of a row i (kind, id, stamp).</summary>
    public const string OwnerHasChanged = "i.stamp <> coalesce((SELECT stamp FROM owners WHERE kind = i.kind AND id = i.id), 0)";

    /// <summary>What breaks a claim about a key: of a row i (id, now). As <see cref="Domain.ApiKeys.ApiKey.IsAccepted"/> has it.</summary>
    public const string KeyIsRefused =
        "(SELECT 1 FROM api_keys k WHERE k.id = i.id AND k.revoked_at IS NULL AND (k.expires_at > i.now OR k.expires_at IS NULL)) IS NULL";

    private const string BrokenOwners =
        $"""
        SELECT i.place FROM unnest($1::smallint[], $2::text[], $3::bigint[]) WITH ORDINALITY AS i (kind, id, stamp, place)
        WHERE {OwnerHasChanged}
        """;

    private const string BrokenKeys = $"SELECT i.id FROM unnest($1::uuid[], $2::timestamptz[]) AS i (id, now) WHERE {KeyIsRefused}";

    /// <summary>Adds the owners' claims as arrays: kind, id, stamp.</summary>
    public static void AddOwners(NpgsqlBatchCommand command, Claims claims)
    {
        command.Parameters.Add(Columns.Of(claims.Owners, claim => (short)claim.Owner.Kind));
        command.Parameters.Add(Columns.Of(claims.Owners, claim => claim.Owner.Id));
        command.Parameters.Add(Columns.Of(claims.Owners, claim => claim.Stamp));
    }

    /// <summary>Adds the keys' claims as arrays: id, the moment.</summary>
    public static void AddKeys(NpgsqlBatchCommand command, Claims claims)
    {
        command.Parameters.Add(Columns.Of(claims.Keys, key => key));
        command.Parameters.Add(Columns.Of(claims.Keys, _ => claims.Now.UtcDateTime));
    }

    public async Task<IReadOnlyList<OwnerSecrets>> ReadAsync(SecretsDbContext db, IReadOnlyList<SecretOwner> owners)
    {
        await using var open = await OpenConnection.OfAsync(db);
        await using var command = new NpgsqlCommand(Read, (NpgsqlConnection)open.Connection)
        {
            Parameters =
            {
                new NpgsqlParameter<int[]> { TypedValue = [.. Enumerable.Range(0, owners.Count)] },
                Columns.Of(owners, owner => (short)owner.Kind),
                Columns.Of(owners, owner => owner.Id),
                new NpgsqlParameter<long> { TypedValue = OwnerSecrets.MaxBytes },
                new NpgsqlParameter<int> { TypedValue = OwnerSecrets.MaxCount + 1 },
            },
        };
        var found = new (long Stamp, bool IsTooLarge, List<Candidate> Secrets)[owners.Count];
        await using var reader = await command.ExecuteReaderAsync();
        while (await reader.ReadAsync())
        {
            ref var owner = ref found[reader.GetInt32(0)];
            owner = (reader.GetInt64(1), reader.GetBoolean(2), owner.Secrets ?? []);
            if (!reader.IsDBNull(3))
            {
                owner.Secrets.Add(PostgresCandidateReader.Read(reader, 3, owners[reader.GetInt32(0)]));
            }
        }

        return Array.ConvertAll(
            found, owner => new OwnerSecrets(owner.Stamp, owner.IsTooLarge || owner.Secrets.Count > OwnerSecrets.MaxCount ? null : owner.Secrets));
    }

    public Task<bool> AppendAsync(SecretsDbContext db, AuditAppend rows, Claims claims, bool commits) =>
        PostgresAuditStore.AppendAsync(db, rows, claims, commits);

    public async Task<Claims> FindBrokenAsync(SecretsDbContext db, Claims claims)
    {
        await using var open = await OpenConnection.OfAsync(db);
        await using var batch = new NpgsqlBatch((NpgsqlConnection)open.Connection)
        {
            BatchCommands = { new NpgsqlBatchCommand(BrokenOwners), new NpgsqlBatchCommand(BrokenKeys) },
        };
        AddOwners(batch.BatchCommands[0], claims);
        AddKeys(batch.BatchCommands[1], claims);
        var (owners, keys) = (new List<OwnerStamp>(), new List<Guid>());
        await using var reader = await batch.ExecuteReaderAsync();
        while (await reader.ReadAsync())
        {
            owners.Add(claims.Owners[(int)reader.GetInt64(0) - 1]);
        }

        await reader.NextResultAsync();
        while (await reader.ReadAsync())
        {
            keys.Add(reader.GetGuid(0));
        }

        return new Claims(owners, keys, claims.Now);
    }
}
