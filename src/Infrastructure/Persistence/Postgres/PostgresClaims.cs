using Npgsql;

namespace Secrets.Infrastructure.Persistence.Postgres;

/// <summary>What is claimed of owners and keys, as SQL: the same for the statement that depends on it and for the question which claim is broken.</summary>
internal static class PostgresClaims
{
    /// <summary>What breaks a claim about an owner: of a row i (kind, id, stamp).</summary>
    public const string OwnerHasChanged = "i.stamp <> coalesce((SELECT stamp FROM owners WHERE kind = i.kind AND id = i.id), 0)";

    /// <summary>What breaks a claim about a key: of a row i (id), at a moment. As <see cref="Domain.ApiKeys.ApiKey.IsAccepted"/> has it.</summary>
    public static string KeyIsRefused(string now) =>
        $"(SELECT 1 FROM api_keys k WHERE k.id = i.id AND k.revoked_at IS NULL AND (k.expires_at > {now} OR k.expires_at IS NULL)) IS NULL";

    /// <summary>Adds the owners' claims as arrays: kind, id, stamp.</summary>
    public static void AddOwners(NpgsqlBatchCommand command, Claims claims)
    {
        command.Parameters.Add(Columns.Of(claims.Owners, claim => (short)claim.Owner.Kind));
        command.Parameters.Add(Columns.Of(claims.Owners, claim => claim.Owner.Id));
        command.Parameters.Add(Columns.Of(claims.Owners, claim => claim.Stamp));
    }

    /// <summary>Adds the keys' claims: an array of ids, and the moment.</summary>
    /// <remarks>
    /// Not an array of moments: of an empty one the driver cannot tell that they have a zone, and a statement whose parameters have other types than when it was
    /// prepared is parsed and planned anew each time.
    /// </remarks>
    public static void AddKeys(NpgsqlBatchCommand command, Claims claims)
    {
        command.Parameters.Add(Columns.Of(claims.Keys, key => key));
        command.Parameters.Add(new NpgsqlParameter<DateTime> { TypedValue = claims.Now.UtcDateTime });
    }
}
