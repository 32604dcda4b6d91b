using Npgsql;

namespace Secrets.Infrastructure.Persistence.Postgres;

/// <summary>What is claimed of owners and keys, as SQL: the same for the statement that depends on it and for the question which claim is broken.</summary>
internal static class PostgresPreconditions
{
    /// <summary>SQL condition: the claim in row i (kind, id, stamp, version) no longer holds.</summary>
    public static readonly string OwnerHasChanged =
        $"""
        (NOT EXISTS (
            SELECT 1 FROM (SELECT 1) one LEFT JOIN owners o ON o.kind = i.kind AND o.id = i.id
            WHERE coalesce(o.stamp, 0) = i.stamp AND coalesce(o.version, 0) = i.version)
        OR {OwnerIsBehind("i.version")})
        """;

    /// <summary>Whether the audit has a later version of an owner: of a row i (kind, id).</summary>
    public static string OwnerIsBehind(string version) =>
        $"""
        EXISTS (SELECT 1 FROM audit WHERE owner_id = i.id AND owner_version > {version} AND owner_version IS NOT NULL AND target_key_user_id IS NULL AND owner_kind = i.kind)
        """;

    /// <summary>
    /// SQL condition: the claim in row i (id, user_id, version, stamp) no longer holds at a moment. The key is not accepted (<see cref="Domain.ApiKeys.ApiKey.IsAccepted"/>), or its user's key account
    /// has changed since the key was verified. The second does not mean that the key is rejected: the caller looks it up again.
    /// </summary>
    public static string KeyHasChanged(string now) =>
        $"""
        (NOT EXISTS (
            SELECT 1 FROM api_keys k JOIN key_accounts a ON a.user_id = k.user_id
            WHERE k.id = i.id AND k.user_id = i.user_id AND a.version = i.version AND a.stamp = i.stamp AND k.revoked_at IS NULL AND (k.expires_at > {now} OR k.expires_at IS NULL))
        OR EXISTS (
            SELECT 1 FROM audit WHERE target_key_user_id = i.user_id AND owner_version > i.version AND owner_version IS NOT NULL AND target_key_user_id IS NOT NULL))
        """;

    /// <summary>Adds the owners' preconditions as arrays: kind, id, stamp, version.</summary>
    public static void AddOwners(NpgsqlBatchCommand command, PreconditionSet preconditions)
    {
        command.Parameters.Add(Columns.FromItems(preconditions.Owners, claim => (short)claim.Owner.Kind));
        command.Parameters.Add(Columns.FromItems(preconditions.Owners, claim => claim.Owner.Id));
        command.Parameters.Add(Columns.FromItems(preconditions.Owners, claim => claim.Stamp));
        command.Parameters.Add(Columns.FromItems(preconditions.Owners, claim => claim.Version));
    }

    /// <summary>Adds the keys' preconditions: arrays of ids, users, versions and stamps, and the moment.</summary>
    /// <remarks>
    /// Not an array of moments: of an empty one the driver cannot tell that they have a zone, and a statement whose parameters have other types than when it was
    /// prepared is parsed and planned anew each time.
    /// </remarks>
    public static void AddKeys(NpgsqlBatchCommand command, PreconditionSet preconditions)
    {
        command.Parameters.Add(Columns.FromItems(preconditions.Keys, key => key.Id));
        command.Parameters.Add(Columns.FromItems(preconditions.Keys, key => key.UserId));
        command.Parameters.Add(Columns.FromItems(preconditions.Keys, key => key.Version));
        command.Parameters.Add(Columns.FromItems(preconditions.Keys, key => key.Stamp));
        command.Parameters.Add(new NpgsqlParameter<DateTime> { TypedValue = preconditions.Now.UtcDateTime });
    }
}
