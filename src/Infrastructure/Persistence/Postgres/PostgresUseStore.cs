using Npgsql;

namespace Secrets.Infrastructure.Persistence.Postgres;

/// <summary>
/// Adds to use counts in the order of the secrets' ids, so that replicas cannot deadlock. An existing count is updated without locking its secret:
/// a resolve does not write to the secret's row.
/// </summary>
internal sealed class PostgresUseStore : IUseStore
{
    private const string Update =
        """
        WITH locked AS (SELECT secret_id FROM secret_uses WHERE secret_id = ANY ($1) ORDER BY secret_id FOR NO KEY UPDATE)
        UPDATE secret_uses u
        SET count = u.count + i.count, last_at = greatest(u.last_at, i.last_at)
        FROM locked
        JOIN unnest($1::uuid[], $2::bigint[], $3::timestamptz[]) AS i (id, count, last_at) ON i.id = locked.secret_id
        WHERE u.secret_id = locked.secret_id
        RETURNING u.secret_id
        """;

    private const string Insert =
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
        await using var open = await OpenConnection.OpenAsync(db, cancellationToken);
        var connection = (NpgsqlConnection)open.Connection;
        var rest = uses.ToDictionary(use => use.SecretId);
        await using (var update = Command(Update, uses, connection))
        await using (var updated = await update.ExecuteReaderAsync(cancellationToken))
        {
            while (await updated.ReadAsync(cancellationToken))
            {
                rest.Remove(updated.GetGuid(0));
            }
        }

        // A separate transaction: with the locks of the update still held, the lock order would be violated.
        if (rest.Count > 0)
        {
            await using var insert = Command(Insert, [.. rest.Values], connection);
            await insert.ExecuteNonQueryAsync(cancellationToken);
        }
    }

    private static NpgsqlCommand Command(string sql, IReadOnlyList<SecretUses> uses, NpgsqlConnection connection) => new(sql, connection)
    {
        Parameters =
        {
            ArrayParameters.FromItems(uses, use => use.SecretId),
            ArrayParameters.FromItems(uses, use => use.Count),
            ArrayParameters.FromItems(uses, use => use.LastAt.UtcDateTime),
        },
    };
}
