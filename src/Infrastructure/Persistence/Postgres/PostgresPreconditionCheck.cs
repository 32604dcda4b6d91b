using Npgsql;
using Secrets.Application.Audit;

namespace Secrets.Infrastructure.Persistence.Postgres;

/// <summary>Confirms, in the statement that stores rows of the audit, that what was cached has not changed.</summary>
internal sealed class PostgresPreconditionCheck : IPreconditions
{
    private static readonly string BrokenOwners =
        $"""
        SELECT i.place FROM unnest($1::smallint[], $2::text[], $3::bigint[], $4::bigint[]) WITH ORDINALITY AS i (kind, id, stamp, version, place)
        WHERE {PostgresPreconditions.OwnerHasChanged}
        """;

    private static readonly string BrokenKeys =
        $"""
        SELECT i.place FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::bigint[]) WITH ORDINALITY AS i (id, user_id, version, stamp, place)
        WHERE {PostgresPreconditions.KeyHasChanged("$5")}
        """;

    public Task<bool> AppendAsync(SecretsDbContext db, AuditAppend rows, PreconditionSet preconditions, bool commits) =>
        PostgresAuditStore.AppendAsync(db, rows, preconditions, commits);

    public async Task<PreconditionSet> FindStaleAsync(SecretsDbContext db, PreconditionSet preconditions)
    {
        await using var open = await OpenConnection.OpenAsync(db);
        await using var batch = new NpgsqlBatch((NpgsqlConnection)open.Connection)
        {
            BatchCommands = { new NpgsqlBatchCommand(BrokenOwners), new NpgsqlBatchCommand(BrokenKeys) },
        };
        PostgresPreconditions.AddOwners(batch.BatchCommands[0], preconditions);
        PostgresPreconditions.AddKeys(batch.BatchCommands[1], preconditions);
        var (owners, keys) = (new List<OwnerStamp>(), new List<KeyPrecondition>());
        await using var reader = await batch.ExecuteReaderAsync();
        while (await reader.ReadAsync())
        {
            owners.Add(preconditions.Owners[(int)reader.GetInt64(0) - 1]);
        }

        await reader.NextResultAsync();
        while (await reader.ReadAsync())
        {
            keys.Add(preconditions.Keys[(int)reader.GetInt64(0) - 1]);
        }

        return new PreconditionSet(owners, keys, preconditions.Now);
    }
}
