using Microsoft.Data.SqlClient;

namespace Secrets.Infrastructure.Persistence.SqlServer;

/// <summary>
/// Adds to use counts. Locks the secrets first, as a delete does, in the order of their ids, so that replicas cannot deadlock. The lock also keeps other
/// replicas from inserting the same count.
/// </summary>
internal sealed class SqlServerUseStore : IUseStore
{
    private static readonly SentRows<SecretUses> Sent = new(
        "@uses",
        new SentColumn<SecretUses, Guid>("secret_id", ColumnKind.Uuid, uses => uses.SecretId),
        new SentColumn<SecretUses, long>("count", ColumnKind.Large, uses => uses.Count),
        new SentColumn<SecretUses, DateTimeOffset>("last_at", ColumnKind.Moment, uses => uses.LastAt));

    internal static readonly string Add =
        $"""
        SET NOCOUNT, XACT_ABORT ON;
        DECLARE @counted TABLE (secret_id binary(16) NOT NULL PRIMARY KEY, [count] bigint NOT NULL, last_at datetimeoffset(6) NOT NULL);
        DECLARE @there TABLE (secret_id binary(16) NOT NULL PRIMARY KEY, [count] bigint NOT NULL, last_at datetimeoffset(6) NOT NULL);
        INSERT INTO @counted (secret_id, [count], last_at)
        SELECT secret_id, [count], last_at
        FROM {Sent.Source};
        BEGIN TRANSACTION;
        INSERT INTO @there (secret_id, [count], last_at)
        SELECT c.secret_id, c.[count], c.last_at
        FROM @counted AS c INNER JOIN secrets AS s WITH (UPDLOCK, ROWLOCK, FORCESEEK) ON s.id = c.secret_id
        ORDER BY c.secret_id
        {SqlServerSecretsDbContext.InGivenOrder};
        UPDATE u SET
            [count] = u.[count] + t.[count],
            last_at = CASE WHEN u.last_at > t.last_at THEN u.last_at ELSE t.last_at END
        FROM secret_uses AS u INNER JOIN @there AS t ON t.secret_id = u.secret_id;
        INSERT INTO secret_uses (secret_id, [count], last_at)
        SELECT t.secret_id, t.[count], t.last_at
        FROM @there AS t
        WHERE NOT EXISTS (SELECT 1 FROM secret_uses AS u WHERE u.secret_id = t.secret_id);
        COMMIT TRANSACTION;
        """;

    public async Task AddAsync(SecretsDbContext db, IReadOnlyList<SecretUses> uses, CancellationToken cancellationToken)
    {
        await using var open = await OpenConnection.OpenAsync(db, cancellationToken);
        await using var command = new SqlCommand(Add, (SqlConnection)open.Connection);
        Sent.AddTo(command, uses);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }
}
