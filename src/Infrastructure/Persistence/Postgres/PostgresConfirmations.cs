using Npgsql;
using Secrets.Application.Audit;

namespace Secrets.Infrastructure.Persistence.Postgres;

/// <summary>Confirms, in the statement that stores rows of the audit, that what was cached has not changed.</summary>
internal sealed class PostgresConfirmations : IConfirmations
{
    private static readonly string BrokenOwners =
        $"""
        SELECT i.place FROM unnest($1::smallint[], $2::text[], $3::bigint[], $4::bigint[]) WITH ORDINALITY AS i (kind, id, stamp, version, place)
        WHERE {PostgresClaims.OwnerHasChanged}
        """;

    private static readonly string BrokenKeys =
        $"""
        SELECT i.place FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::bigint[]) WITH ORDINALITY AS i (id, user_id, version, stamp, place)
        WHERE {PostgresClaims.KeyHasChanged("$5")}
        """;

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
        var (owners, keys) = (new List<OwnerStamp>(), new List<KeyClaim>());
        await using var reader = await batch.ExecuteReaderAsync();
        while (await reader.ReadAsync())
        {
            owners.Add(claims.Owners[(int)reader.GetInt64(0) - 1]);
        }

        await reader.NextResultAsync();
        while (await reader.ReadAsync())
        {
            keys.Add(claims.Keys[(int)reader.GetInt64(0) - 1]);
        }

        return new Claims(owners, keys, claims.Now);
    }
}
