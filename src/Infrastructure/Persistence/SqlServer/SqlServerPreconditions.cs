using System.Data;
using Microsoft.Data.SqlClient;
using Secrets.Application.Audit;

namespace Secrets.Infrastructure.Persistence.SqlServer;

/// <summary>Preconditions of owners and keys in T-SQL, shared by the statement that checks all of them and the queries that find the stale ones.</summary>
internal static class SqlServerPreconditions
{
    private static readonly SentRows<(OwnerStamp Stamp, int Place)> SentOwners = new(
        "@stamps",
        new SentColumn<(OwnerStamp Stamp, int Place), int>("place", ColumnKind.Number, row => row.Place),
        new SentColumn<(OwnerStamp Stamp, int Place), short>("kind", ColumnKind.Tiny, row => (short)row.Stamp.Owner.Kind),
        new SentColumn<(OwnerStamp Stamp, int Place), string?>("owner_key", ColumnKind.Hashed, row => row.Stamp.Owner.Id),
        new SentColumn<(OwnerStamp Stamp, int Place), long>("stamp", ColumnKind.Large, row => row.Stamp.Stamp),
        new SentColumn<(OwnerStamp Stamp, int Place), long>("version", ColumnKind.Large, row => row.Stamp.Version));

    private static readonly SentRows<(KeyPrecondition Key, int Place)> SentKeys = new(
        "@keys",
        new SentColumn<(KeyPrecondition Key, int Place), int>("place", ColumnKind.Number, row => row.Place),
        new SentColumn<(KeyPrecondition Key, int Place), Guid>("id", ColumnKind.Uuid, row => row.Key.Id),
        new SentColumn<(KeyPrecondition Key, int Place), Guid>("user_id", ColumnKind.Uuid, row => row.Key.UserId),
        new SentColumn<(KeyPrecondition Key, int Place), long>("version", ColumnKind.Large, row => row.Key.Version),
        new SentColumn<(KeyPrecondition Key, int Place), long>("stamp", ColumnKind.Large, row => row.Key.Stamp));

    internal static readonly string Stale =
        $"""
        SELECT i.place {ChangedOwners} {SqlServerSecretsDbContext.InGivenOrder};
        SELECT i.place {ChangedKeys} {SqlServerSecretsDbContext.InGivenOrder};
        """;

    /// <summary>SQL condition: no sent precondition is stale.</summary>
    public static string AllHold => $"NOT EXISTS (SELECT 1 {ChangedOwners}) AND NOT EXISTS (SELECT 1 {ChangedKeys})";

    /// <summary>Owners that have changed, from the sent rows i, for SELECT.</summary>
    private static string ChangedOwners =>
        $"""
        FROM {SentOwners.Source}
        LEFT JOIN owners AS o WITH (FORCESEEK) ON o.kind = i.kind AND o.id_key = i.owner_key
        WHERE COALESCE(o.stamp, 0) <> i.stamp OR COALESCE(o.version, 0) <> i.version OR EXISTS (SELECT 1 {VersionsOfOwner} AND a.owner_version > i.version)
        """;

    /// <summary>
    /// Keys that are not accepted (<see cref="Domain.ApiKeys.ApiKey.IsAccepted"/>) at the moment @now, or whose account has changed since they were verified,
    /// from the sent rows i, for SELECT. After a change of the account, the caller looks the key up again.
    /// </summary>
    private static string ChangedKeys =>
        $"""
        FROM {SentKeys.Source}
        LEFT JOIN api_keys AS k WITH (FORCESEEK) ON k.id = i.id AND k.user_id = i.user_id AND k.revoked_at IS NULL AND (k.expires_at > @now OR k.expires_at IS NULL)
        LEFT JOIN key_accounts AS a WITH (FORCESEEK) ON a.user_id = i.user_id AND a.version = i.version AND a.stamp = i.stamp
        WHERE k.id IS NULL OR a.user_id IS NULL OR EXISTS (
            SELECT 1 FROM audit AS r WITH (INDEX(ix_audit_key_version), FORCESEEK)
            WHERE r.target_key_user_id = i.user_id AND r.owner_version > i.version AND r.owner_version IS NOT NULL AND r.target_key_user_id IS NOT NULL)
        """;

    /// <summary>SQL value: the latest version in the audit of the owner in row i (kind, owner_key); 0: none. COALESCE would run the query twice.</summary>
    public static string AuditedVersion => $"ISNULL((SELECT TOP (1) a.owner_version {VersionsOfOwner} ORDER BY a.owner_version DESC), 0)";

    /// <summary>
    /// The versions in the audit of the owner in row i (kind, owner_key), for SELECT. Repeats the filter of the index, which another index of the owner
    /// must not replace.
    /// </summary>
    private const string VersionsOfOwner =
        """
        FROM audit AS a WITH (INDEX(ix_audit_owner_version), FORCESEEK)
        WHERE a.owner_key = i.owner_key AND a.owner_version IS NOT NULL AND a.target_key_user_id IS NULL AND a.owner_kind = i.kind
        """;

    /// <inheritdoc cref="IAuditStore.FindStaleAsync" />
    public static async Task<PreconditionSet> FindStaleAsync(SecretsDbContext db, PreconditionSet preconditions)
    {
        await using var open = await OpenConnection.OpenAsync(db);
        await using var command = SqlServerSecretsDbContext.CommandOf(db, Stale);
        Add(command, preconditions);
        await using var reader = await command.ExecuteReaderAsync();
        var owners = await ReadAsync(reader, preconditions.Owners);
        await reader.NextResultAsync();
        return new PreconditionSet(owners, await ReadAsync(reader, preconditions.Keys), preconditions.Now);
    }

    /// <summary>Adds the parameters of <see cref="AllHold"/>.</summary>
    public static void Add(SqlCommand command, PreconditionSet preconditions)
    {
        SentOwners.AddTo(command, preconditions.Owners.Select((stamp, place) => (stamp, place)));
        SentKeys.AddTo(command, preconditions.Keys.Select((key, place) => (key, place)));
        command.Parameters.Add(new SqlParameter("@now", SqlDbType.DateTimeOffset) { Value = preconditions.Now });
    }

    private static async Task<List<T>> ReadAsync<T>(SqlDataReader places, IReadOnlyList<T> preconditions)
    {
        List<T> stale = [];
        while (await places.ReadAsync())
        {
            stale.Add(preconditions[places.GetInt32(0)]);
        }

        return stale;
    }
}
