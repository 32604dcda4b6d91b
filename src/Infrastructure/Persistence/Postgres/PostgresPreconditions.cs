using Npgsql;
using Secrets.Application.Audit;

namespace Secrets.Infrastructure.Persistence.Postgres;

/// <summary>Preconditions of owners and keys in SQL, shared by the statement that checks all of them and the queries that find the stale ones.</summary>
internal static class PostgresPreconditions
{
    /// <summary>SQL condition: the owner in row i (kind, id, stamp, version) has changed.</summary>
    public static readonly string OwnerHasChanged =
        $"""
        (NOT EXISTS (
            SELECT 1 FROM (SELECT 1) one LEFT JOIN owners o ON o.kind = i.kind AND o.id = i.id
            WHERE coalesce(o.stamp, 0) = i.stamp AND coalesce(o.version, 0) = i.version)
        OR {OwnerIsBehind("i.version")})
        """;

    /// <summary>SQL value: the latest version in the audit of the owner in row i (kind, id); 0: none.</summary>
    public const string AuditedVersion = $"coalesce((SELECT owner_version FROM audit WHERE {VersionsOfOwner} ORDER BY owner_version DESC LIMIT 1), 0)";

    private const string VersionsOfOwner = "owner_id = i.id AND owner_version IS NOT NULL AND target_key_user_id IS NULL AND owner_kind = i.kind";

    /// <summary>SQL condition: the audit has a later version of the owner in row i (kind, id).</summary>
    public static string OwnerIsBehind(string version) => $"EXISTS (SELECT 1 FROM audit WHERE {VersionsOfOwner} AND owner_version > {version})";

    /// <summary>
    /// SQL condition: the key in row i (id, user_id, version, stamp) is not accepted at a moment (<see cref="Domain.ApiKeys.ApiKey.IsAccepted"/>), or the
    /// user's key account has changed since the key was verified. After a change of the account, the caller looks the key up again.
    /// </summary>
    public static string KeyHasChanged(string now) =>
        $"""
        (NOT EXISTS (
            SELECT 1 FROM api_keys k JOIN key_accounts a ON a.user_id = k.user_id
            WHERE k.id = i.id AND k.user_id = i.user_id AND a.version = i.version AND a.stamp = i.stamp AND k.revoked_at IS NULL AND (k.expires_at > {now} OR k.expires_at IS NULL))
        OR EXISTS (
            SELECT 1 FROM audit WHERE target_key_user_id = i.user_id AND owner_version > i.version AND owner_version IS NOT NULL AND target_key_user_id IS NOT NULL))
        """;

    private static readonly string StaleOwners =
        $"""
        SELECT i.place FROM unnest($1::smallint[], $2::text[], $3::bigint[], $4::bigint[]) WITH ORDINALITY AS i (kind, id, stamp, version, place)
        WHERE {OwnerHasChanged}
        """;

    private static readonly string StaleKeys =
        $"""
        SELECT i.place FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::bigint[]) WITH ORDINALITY AS i (id, user_id, version, stamp, place)
        WHERE {KeyHasChanged("$5")}
        """;

    /// <inheritdoc cref="IAuditStore.FindStaleAsync" />
    public static async Task<PreconditionSet> FindStaleAsync(SecretsDbContext db, PreconditionSet preconditions)
    {
        await using var open = await OpenConnection.OpenAsync(db);
        await using var batch = new NpgsqlBatch((NpgsqlConnection)open.Connection)
        {
            BatchCommands = { new NpgsqlBatchCommand(StaleOwners), new NpgsqlBatchCommand(StaleKeys) },
        };
        AddOwners(batch.BatchCommands[0], preconditions);
        AddKeys(batch.BatchCommands[1], preconditions);
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

    /// <summary>Adds the preconditions of owners as arrays: kind, id, stamp, version.</summary>
    public static void AddOwners(NpgsqlBatchCommand command, PreconditionSet preconditions)
    {
        command.Parameters.Add(ArrayParameters.FromItems(preconditions.Owners, owner => (short)owner.Owner.Kind));
        command.Parameters.Add(ArrayParameters.FromItems(preconditions.Owners, owner => owner.Owner.Id));
        command.Parameters.Add(ArrayParameters.FromItems(preconditions.Owners, owner => owner.Stamp));
        command.Parameters.Add(ArrayParameters.FromItems(preconditions.Owners, owner => owner.Version));
    }

    /// <summary>Adds the preconditions of keys: arrays of ids, users, versions and stamps, and the moment.</summary>
    /// <remarks>
    /// The moment is not an array: for an empty array of moments, the driver guesses a type without time zone, and a statement with other parameter types
    /// than when it was prepared is parsed and planned again.
    /// </remarks>
    public static void AddKeys(NpgsqlBatchCommand command, PreconditionSet preconditions)
    {
        command.Parameters.Add(ArrayParameters.FromItems(preconditions.Keys, key => key.Id));
        command.Parameters.Add(ArrayParameters.FromItems(preconditions.Keys, key => key.UserId));
        command.Parameters.Add(ArrayParameters.FromItems(preconditions.Keys, key => key.Version));
        command.Parameters.Add(ArrayParameters.FromItems(preconditions.Keys, key => key.Stamp));
        command.Parameters.Add(new NpgsqlParameter<DateTime> { TypedValue = preconditions.Now.UtcDateTime });
    }
}
