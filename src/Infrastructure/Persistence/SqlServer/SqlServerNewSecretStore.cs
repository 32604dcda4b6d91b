using System.Data;
using Microsoft.Data.SqlClient;
using Microsoft.EntityFrameworkCore.Storage;
using Secrets.Application.Secrets;

namespace Secrets.Infrastructure.Persistence.SqlServer;

/// <summary>Stores any number of new secrets with one batch of statements.</summary>
internal sealed class SqlServerNewSecretStore : INewSecretStore
{
    private static readonly JsonColumns<Secret> Sent = new(SecretColumns.All);

    /// <summary>
    /// A loop locks the accounts, because one statement does not guarantee the lock order. The update takes the same lock as every other write.
    /// A later statement reads the accounts, so that it sees the last write to each.
    /// </summary>
    internal static readonly string Lock =
        $"""
        SET NOCOUNT ON;
        DECLARE @accounts TABLE (place int NOT NULL PRIMARY KEY, kind tinyint NOT NULL, owner_id {ComparedText.ColumnType} NOT NULL);
        DECLARE @place int = 0, @places int, @kind tinyint, @id {ComparedText.ColumnType};
        INSERT INTO @accounts (place, kind, owner_id)
        SELECT place, kind, owner_id FROM OPENJSON(@owners) WITH (place int '$[0]', kind tinyint '$[1]', owner_id {ComparedText.ColumnType} '$[2]');
        SET @places = @@ROWCOUNT;
        WHILE @place < @places
        BEGIN
            SELECT @kind = kind, @id = owner_id FROM @accounts WHERE place = @place;
            UPDATE o SET stamp = o.stamp FROM owners AS o WITH ({SqlServerSecretsDbContext.ByKey}) WHERE o.kind = @kind AND o.id = @id;
            SET @place += 1;
        END;
        SELECT COALESCE(o.stamp, 0), COALESCE(o.version, 0), COALESCE(o.secrets, 0), COALESCE(o.bytes_used, 0), o.account, {SqlServerOwnerRows.IsBehind}
        FROM @accounts AS i LEFT LOOP JOIN owners AS o WITH (FORCESEEK) ON o.kind = i.kind AND o.id = i.owner_id
        ORDER BY i.place;
        """;

    /// <summary>
    /// The owners are locked, so no conflicting row can appear after NOT EXISTS; the unique indexes are the last defence. The hints matter to databases without
    /// row versions: a scan would wait for writes of other owners.
    /// </summary>
    internal static readonly string Store =
        $"""
        SET NOCOUNT ON;
        DECLARE @stored TABLE (id binary(16) NOT NULL PRIMARY KEY);
        INSERT INTO secrets ({SecretColumns.All.Names(JsonRows.Quote)})
        OUTPUT inserted.id INTO @stored (id)
        SELECT {SecretColumns.All.Values(JsonRows.Quote)}
        FROM OPENJSON(@secrets) WITH ({Sent.Schema}) AS i
        WHERE EXISTS (
                SELECT 1 FROM data_keys AS k WITH (FORCESEEK)
                WHERE k.id = CAST(SUBSTRING(i.envelope, 2, 16) AS binary(16)) AND k.retired_at IS NULL)
            AND NOT EXISTS (
                SELECT 1 FROM secrets AS s WITH (FORCESEEK)
                WHERE s.owner_kind = i.owner_kind AND s.owner_id = i.owner_id AND s.name_key = i.name_key)
            AND NOT EXISTS (
                SELECT 1 FROM secrets AS s WITH (FORCESEEK)
                WHERE s.owner_kind = i.owner_kind AND s.owner_id = i.owner_id AND s.tool_key = i.tool_key AND s.arg_key = i.arg_key
                    AND s.tool_key IS NOT NULL);
        SELECT id FROM @stored;
        """;

    internal const string Move =
        $"""
        UPDATE o SET stamp = o.stamp + 1, version = i.version, secrets = i.secrets, bytes_used = i.bytes_used, account = i.account
        FROM OPENJSON(@moves) WITH (
            kind tinyint '$[0]', id {ComparedText.ColumnType} '$[1]', version bigint '$[2]', secrets int '$[3]', bytes_used bigint '$[4]', account binary(79) '$[5]') AS i
        INNER LOOP JOIN owners AS o WITH ({SqlServerSecretsDbContext.ByKey}) ON o.kind = i.kind AND o.id = i.id;
        """;

    internal static readonly string OverlapsOfNames = OverlapCandidates("@names", "s.pattern_arg_key = i.arg_key AND s.pattern_arg_key IS NOT NULL");

    internal static readonly string OverlapsOfPatterns = OverlapCandidates("@patterns", "s.arg_key = i.arg_key AND s.tool_key IS NOT NULL");

    private static readonly string Batch = $"{Store}\n{OverlapsOfNames}\n{OverlapsOfPatterns}";

    public async Task<IReadOnlyList<OwnerRow>> LockAsync(SecretsDbContext db, IReadOnlyList<SecretOwner> owners)
    {
        await using var command = Command(db, Lock, SqlServerOwnerRows.ToParameter("@owners", owners));
        var accounts = new List<OwnerRow>(owners.Count);
        await using var reader = await command.ExecuteReaderAsync();
        while (await reader.ReadAsync())
        {
            accounts.Add(OwnerRow.FromRow(reader, 0));
        }

        return accounts;
    }

    public async Task UpdateAccountsAsync(SecretsDbContext db, IReadOnlyList<AccountChange> accounts)
    {
        var moves = JsonRows.FromItems("@moves", accounts, static (json, move) =>
        {
            json.Add((long)move.Owner.Kind);
            json.AddCompared(move.Owner.Id);
            json.Add(move.After.Account.Version);
            json.Add(move.After.Account.Count);
            json.Add(move.After.Account.Bytes);
            json.Add(move.After.Sealed);
        });
        await using var command = Command(db, Move, moves);
        await command.ExecuteNonQueryAsync();
    }

    public async Task<IReadOnlyList<NewSecret?>> StoreAsync(SecretsDbContext db, IReadOnlyList<Secret> secrets)
    {
        await using var command = Command(db, WithoutRepeats(secrets));
        await using var reader = await command.ExecuteReaderAsync();
        return await NewSecretRows.ReadAsync(reader, static (row, at) => UuidBytes.Read(row.GetFieldValue<byte[]>(at)), secrets);
    }

    private static string OverlapCandidates(string parameter, string condition) =>
        $"""
        SELECT i.id, s.id, s.name, s.tool_name
        FROM OPENJSON({parameter}) WITH (
            id binary(16) '$[0]', owner_kind tinyint '$[1]', owner_id {ComparedText.ColumnType} '$[2]', arg_key binary(32) '$[3]') AS i
        CROSS APPLY (
            SELECT TOP (@most) s.id, s.name, s.tool_name FROM secrets AS s WITH (FORCESEEK)
            WHERE s.owner_kind = i.owner_kind AND s.owner_id = i.owner_id AND {condition} AND s.id <> i.id AND s.tool_name IS NOT NULL
            ORDER BY s.id) AS s
        ORDER BY i.id, s.id;
        """;

    /// <summary>Keeps one secret of each name and of each default: a statement cannot skip its own duplicates. The others are stored one by one.</summary>
    private static List<Secret> WithoutRepeats(IReadOnlyList<Secret> secrets)
    {
        HashSet<(SecretOwner Owner, string Key)> taken = [];
        return [.. secrets.Where(secret =>
            taken.Add((secret.Owner, Convert.ToHexString(secret.NameKey)))
            && (secret.ToolKey is null || taken.Add((secret.Owner, Convert.ToHexString([.. secret.ToolKey, .. secret.ArgKey!])))))];
    }

    private static SqlCommand Command(SecretsDbContext db, string sql, params ReadOnlySpan<SqlParameter> parameters)
    {
        var command = new SqlCommand(sql, (SqlConnection)db.Database.GetDbConnection(), (SqlTransaction)db.Database.CurrentTransaction!.GetDbTransaction());
        foreach (var parameter in parameters)
        {
            command.Parameters.Add(parameter);
        }

        return command;
    }

    private static SqlCommand Command(SecretsDbContext db, List<Secret> secrets)
    {
        var defaults = secrets.Where(secret => secret.IsDefaultForTool).ToLookup(secret => secret.PatternArgKey is not null);
        return Command(
            db,
            Batch,
            Sent.ToParameter("@secrets", secrets),
            ToParameter("@names", defaults[false]),
            ToParameter("@patterns", defaults[true]),
            new SqlParameter("@most", SqlDbType.Int) { Value = OverlapCandidate.MaxCount });
    }

    private static SqlParameter ToParameter(string name, IEnumerable<Secret> defaults) => JsonRows.FromItems(name, defaults, static (json, secret) =>
    {
        json.Add(secret.Id);
        json.Add((long)secret.OwnerKind);
        json.AddCompared(secret.OwnerId);
        json.Add(secret.ArgKey);
    });
}
