using Npgsql;

namespace Secrets.Infrastructure.Persistence.Postgres;

/// <summary>Adds to counts, in the order of the secrets' ids, so that no two replicas lock each other out.</summary>
internal sealed class PostgresUseStore : IUseStore
{
    private const string Add =
        """
        INSERT INTO secret_uses (secret_id, count, last_at)
        SELECT s.id, i.count, i.last_at
        FROM unnest($1::uuid[], $2::bigint[], $3::timestamptz[]) AS i (id, count, last_at)
        JOIN secrets s ON s.id = i.id
        ORDER BY s.id
        FOR KEY SHARE OF s
        ON CONFLICT (secret_id) DO UPDATE
        SET count = secret_uses.count + excluded.count, last_at = greatest(secret_uses.last_at, excluded.last_at)
        """;

    public async Task AddAsync(SecretsDbContext db, IReadOnlyList<SecretUses> uses, CancellationToken cancellationToken)
    {
        await using var open = await OpenConnection.OfAsync(db, cancellationToken);
        await using var command = new NpgsqlCommand(Add, (NpgsqlConnection)open.Connection)
        {
            Parameters =
            {
                Columns.Of(uses, use => use.SecretId),
                Columns.Of(uses, use => use.Count),
                Columns.Of(uses, use => use.LastAt.UtcDateTime),
            },
        };
        await command.ExecuteNonQueryAsync(cancellationToken);
    }
}
