using Microsoft.EntityFrameworkCore.Design;
using Npgsql;
using Secrets.Infrastructure.Foundation;

namespace Secrets.Infrastructure.Persistence.Postgres;

internal sealed class PostgresSecretsDbContext(DbContextOptions<PostgresSecretsDbContext> options) : SecretsDbContext(options)
{
    private const string UniqueIndexes =
        """
        SELECT c.relname::text FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
        WHERE i.indisunique AND i.indisvalid AND c.relnamespace = (SELECT relnamespace FROM pg_class WHERE oid = 'secrets'::regclass)
        """;

    // Resolves names by search_path, as the service's statements do. Skips missing tables, because those statements fail anyway.
    private const string DisguisedTable =
        """
        SELECT name FROM pg_catalog.unnest($1) WITH ORDINALITY AS i (name, place)
        JOIN pg_catalog.pg_class c ON c.oid = pg_catalog.to_regclass(pg_catalog.quote_ident(name))
        WHERE c.relkind <> 'r' OR c.relrowsecurity
            OR EXISTS (SELECT 1 FROM pg_catalog.pg_inherits h WHERE c.oid IN (h.inhparent, h.inhrelid))
            OR EXISTS (SELECT 1 FROM pg_catalog.pg_rewrite r WHERE r.ev_class = c.oid)
        ORDER BY place LIMIT 1
        """;

    private const string NoteUse =
        """
        WITH free AS (
            SELECT id FROM api_keys WHERE id = ANY ($1) AND (last_used_at IS NULL OR last_used_at <= $3) FOR NO KEY UPDATE SKIP LOCKED)
        UPDATE api_keys k SET last_used_at = $2 FROM free WHERE k.id = free.id
        RETURNING k.id
        """;

    public override IDatabaseFaults Faults { get; } = new PostgresFaults();

    protected override string BinaryCollation => "C";

    public override async Task RequireDurabilityAsync(CancellationToken cancellationToken)
    {
        await RequireNotOffAsync("fsync", "fsync is off on the database server", cancellationToken);

        // The value of this session, after connection string, role and database settings. Every value but off waits for the server's disk.
        await RequireNotOffAsync("synchronous_commit", "synchronous_commit is off for the service", cancellationToken);
    }

    public override async Task<IReadOnlySet<Guid>> NoteUseAsync(IReadOnlyList<Guid> keys, DateTimeOffset now, DateTimeOffset stale)
    {
        await using var open = await OpenConnection.OpenAsync(this);
        await using var command = new NpgsqlCommand(NoteUse, (NpgsqlConnection)open.Connection)
        {
            Parameters =
            {
                ArrayParameters.FromItems(keys, id => id),
                new NpgsqlParameter<DateTime> { TypedValue = now.UtcDateTime },
                new NpgsqlParameter<DateTime> { TypedValue = stale.UtcDateTime },
            },
        };
        var noted = new HashSet<Guid>();
        await using var reader = await command.ExecuteReaderAsync();
        while (await reader.ReadAsync())
        {
            noted.Add(reader.GetGuid(0));
        }

        return noted;
    }

    protected override async Task<string?> ReadDisguisedTableAsync(List<string> tables, CancellationToken cancellationToken)
    {
        await using var open = await OpenConnection.OpenAsync(this, cancellationToken);
        await using var command = new NpgsqlCommand(DisguisedTable, (NpgsqlConnection)open.Connection)
        {
            Parameters = { new NpgsqlParameter<string[]> { TypedValue = [.. tables] } },
        };
        return (string?)await command.ExecuteScalarAsync(cancellationToken);
    }

    protected override async Task<List<string>> ReadUniqueIndexesAsync(CancellationToken cancellationToken)
    {
        await using var open = await OpenConnection.OpenAsync(this, cancellationToken);
        await using var command = new NpgsqlCommand(UniqueIndexes, (NpgsqlConnection)open.Connection);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        List<string> names = [];
        while (await reader.ReadAsync(cancellationToken))
        {
            names.Add(reader.GetString(0));
        }

        return names;
    }

    private async Task RequireNotOffAsync(string setting, string otherwise, CancellationToken cancellationToken)
    {
        // Null if a server with PostgreSQL's protocol has no such setting.
        await using var open = await OpenConnection.OpenAsync(this, cancellationToken);
        await using var command = new NpgsqlCommand("SELECT current_setting($1, true)", (NpgsqlConnection)open.Connection)
        {
            Parameters = { new NpgsqlParameter<string> { TypedValue = setting } },
        };
        if (await command.ExecuteScalarAsync(cancellationToken) is "off")
        {
            throw new StartupException($"{otherwise}, so an audit row could be lost after its value was released. Set {setting} = on.");
        }
    }

    /// <summary>For the tool that makes migrations (eng/add-migration). Never connects.</summary>
    internal sealed class DesignTime : IDesignTimeDbContextFactory<PostgresSecretsDbContext>
    {
        public PostgresSecretsDbContext CreateDbContext(string[] args)
        {
            var options = new DbContextOptionsBuilder<PostgresSecretsDbContext>();
            PostgresEngine.Configure(options, "Host=localhost");
            return new PostgresSecretsDbContext(options.Options);
        }
    }
}
