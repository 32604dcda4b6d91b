using System.Globalization;
using Npgsql;
using Secrets.Application.Common;
using Secrets.Domain.Resolution;
using Secrets.Domain.Secrets;

namespace Secrets.Infrastructure.Persistence.Postgres;

/// <summary>Reads owners as a whole, and confirms in the statement that stores rows of the audit that they have not changed.</summary>
internal sealed class PostgresConfirmations : IConfirmations
{
    // Bytes of a row of secrets that is called n, and of its workspaces.
    private static readonly string Size = string.Create(
        CultureInfo.InvariantCulture,
        $"""
        (octet_length(name) + octet_length(envelope) + coalesce(octet_length(tool_name), 0) + coalesce(octet_length(tool_arg), 0)
            + CASE WHEN workspace_rule = {(int)WorkspaceRule.Some}
                THEN (SELECT coalesce(sum(octet_length(workspace)), 0) FROM workspace_grants WHERE secret_id = n.id) ELSE 0 END)::bigint
        """);

    // One statement: secrets and stamp are of one moment. OFFSET 0 and LIMIT have each owner look into the indexes. The sizes that run up to a row end the
    // reading before the workspaces of the next are fetched: a secret of a few bytes may name a thousand of them.
    private static readonly string Read =
        $"""
        SELECT i.place, coalesce(o.stamp, 0), coalesce(o.bytes_used > $4, false) OR coalesce(s.bytes > $6, false),
            {PostgresCandidateReader.CandidateColumns}
        FROM unnest($1::int[], $2::smallint[], $3::text[]) AS i (place, kind, id)
        LEFT JOIN LATERAL (SELECT stamp, bytes_used FROM owners WHERE kind = i.kind AND id = i.id OFFSET 0) o ON true
        LEFT JOIN LATERAL (
            SELECT *, sum(size) OVER (ROWS UNBOUNDED PRECEDING) AS bytes FROM (
                SELECT {PostgresCandidateReader.StoredColumns}, {Size} AS size FROM secrets n
                WHERE owner_kind = i.kind AND owner_id = i.id AND o.bytes_used <= $4 LIMIT $5) sized) s ON s.bytes - s.size <= $6
        """;

    private const string BrokenOwners =
        $"""
        SELECT i.place FROM unnest($1::smallint[], $2::text[], $3::bigint[]) WITH ORDINALITY AS i (kind, id, stamp, place)
        WHERE {PostgresClaims.OwnerHasChanged}
        """;

    private static readonly string BrokenKeys = $"SELECT i.id FROM unnest($1::uuid[]) AS i (id) WHERE {PostgresClaims.KeyIsRefused("$2")}";

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
                new NpgsqlParameter<long> { TypedValue = OwnerSecrets.MaxSize },
            },
        };
        var found = new (long Stamp, bool IsTooLarge, List<Candidate> Secrets)[owners.Count];
        await using var reader = await command.ExecuteReaderAsync();
        while (await reader.ReadAsync())
        {
            ref var owner = ref found[reader.GetInt32(0)];
            owner = (reader.GetInt64(1), owner.IsTooLarge || reader.GetBoolean(2), owner.Secrets ?? []);
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
        PostgresClaims.AddOwners(batch.BatchCommands[0], claims);
        PostgresClaims.AddKeys(batch.BatchCommands[1], claims);
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
