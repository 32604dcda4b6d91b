using System.Data.Common;
using Microsoft.Data.SqlClient;
using Secrets.Infrastructure.Persistence.Rows;

namespace Secrets.Infrastructure.Persistence.SqlServer;

/// <summary>Reads all rows of any number of owners with one batch of statements.</summary>
internal sealed class SqlServerOwnerRows : IOwnerRows
{
    private static readonly SentRows<(SecretOwner Owner, int Place)> Sent = new(
        "@owners",
        new SentColumn<(SecretOwner Owner, int Place), int>("place", ColumnKind.Number, row => row.Place),
        new SentColumn<(SecretOwner Owner, int Place), short>("kind", ColumnKind.Tiny, row => (short)row.Owner.Kind),
        new SentColumn<(SecretOwner Owner, int Place), string?>("owner_key", ColumnKind.Hashed, row => row.Owner.Id));

    /// <summary>The requested owners as a table <c>i</c>: place in the list, kind, key.</summary>
    public static string Requested => Sent.Source;

    internal static readonly string Owners =
        $"""
        SELECT i.place, COALESCE(o.stamp, 0), COALESCE(o.version, 0), COALESCE(o.secrets, 0), COALESCE(o.bytes_used, 0), o.account, {SqlServerPreconditions.AuditedVersion}
        FROM {Requested} LEFT JOIN owners AS o WITH (FORCESEEK) ON o.kind = i.kind AND o.id_key = i.owner_key
        {SqlServerSecretsDbContext.InGivenOrder};
        """;

    internal static readonly string Secrets =
        $"""
        SELECT i.place, {StoredSecret.Columns}
        FROM {Requested}
        INNER JOIN secrets AS s WITH (FORCESEEK) ON s.owner_kind = i.kind AND s.owner_key = i.owner_key
        {SqlServerSecretsDbContext.InGivenOrder};
        """;

    internal static readonly string Grants =
        $"""
        SELECT s.id, g.number, g.workspace
        FROM {Requested}
        INNER JOIN secrets AS s WITH (FORCESEEK) ON s.owner_kind = i.kind AND s.owner_key = i.owner_key
        INNER JOIN workspace_grants AS g WITH (FORCESEEK) ON g.secret_id = s.id
        ORDER BY s.id, g.number
        {SqlServerSecretsDbContext.InGivenOrder};
        """;

    internal static readonly string DataKeys =
        $"""
        SELECT i.place, k.id, k.wrapped, k.created_at, k.retired_at
        FROM {Requested}
        INNER JOIN data_keys AS k WITH (FORCESEEK) ON k.owner_kind = i.kind AND k.owner_key = i.owner_key
        {SqlServerSecretsDbContext.InGivenOrder};
        """;

    private static readonly string Batch = string.Join('\n', [Owners, Grants, Secrets, DataKeys]);

    public async Task<IReadOnlyList<OwnerRows>> ReadAsync(SecretsDbContext db, IReadOnlyList<SecretOwner> owners)
    {
        await using var open = await OpenConnection.OpenAsync(db);
        await using var command = SqlServerSecretsDbContext.CommandOf(db, Batch);
        Add(command, owners);
        var found = new OwnerRows[owners.Count];
        await using var reader = await command.ExecuteReaderAsync();
        while (await reader.ReadAsync())
        {
            found[reader.GetInt32(0)] = new OwnerRows(OwnerRow.FromRow(reader, 1));
        }

        await reader.NextResultAsync();
        var grants = new Dictionary<Guid, List<StoredGrant>>();
        while (await reader.ReadAsync())
        {
            var id = Id(reader, 0);
            if (!grants.TryGetValue(id, out var own))
            {
                grants.Add(id, own = []);
            }

            own.Add(new StoredGrant(reader.GetInt32(1), ComparedText.Read(reader.GetFieldValue<byte[]>(2))));
        }

        await reader.NextResultAsync();
        while (await reader.ReadAsync())
        {
            var secret = StoredSecret.FromRow(reader, 1, owners[reader.GetInt32(0)], Id, static (row, column) => row.GetByte(column));
            found[reader.GetInt32(0)].Secrets.Add(grants.TryGetValue(secret.Id, out var own) ? secret with { Grants = own } : secret);
        }

        await reader.NextResultAsync();
        while (await reader.ReadAsync())
        {
            var owner = owners[reader.GetInt32(0)];
            found[reader.GetInt32(0)].DataKeys.Add(new DataKeyRow
            {
                Id = Id(reader, 1),
                OwnerKind = owner.Kind,
                OwnerId = owner.Id,
                Wrapped = reader.GetFieldValue<byte[]>(2),
                CreatedAt = reader.GetDateTimeOffset(3),
                RetiredAt = reader.IsDBNull(4) ? null : reader.GetDateTimeOffset(4),
            });
        }

        return found;
    }

    /// <summary>Adds the parameters of <see cref="Requested"/>.</summary>
    public static void Add(SqlCommand command, IReadOnlyList<SecretOwner> owners) => Sent.AddTo(command, owners.Select((owner, place) => (owner, place)));

    private static Guid Id(DbDataReader row, int column) => UuidBytes.Read(row.GetFieldValue<byte[]>(column));
}
