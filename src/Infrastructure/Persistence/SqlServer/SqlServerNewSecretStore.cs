using System.Data;
using Microsoft.Data.SqlClient;
using Secrets.Application.Secrets;

namespace Secrets.Infrastructure.Persistence.SqlServer;

/// <summary>Stores any number of new secrets with one batch of statements.</summary>
internal sealed class SqlServerNewSecretStore : INewSecretStore
{
    private static readonly SentColumn<Secret> OwnerKeyOf = new SentColumn<Secret, string?>("owner_key", ColumnKind.Hashed, secret => secret.OwnerId);

    private static readonly SentRows<Secret> Sent = new("@secrets", [.. SecretColumns.All, OwnerKeyOf]);

    private static readonly SentRows<AccountChange> SentAccounts = new(
        "@moves",
        new SentColumn<AccountChange, short>("kind", ColumnKind.Tiny, change => (short)change.Owner.Kind),
        new SentColumn<AccountChange, string?>("owner_key", ColumnKind.Hashed, change => change.Owner.Id),
        new SentColumn<AccountChange, long>("version", ColumnKind.Large, change => change.After.Account.Version),
        new SentColumn<AccountChange, int>("secrets", ColumnKind.Number, change => change.After.Account.Count),
        new SentColumn<AccountChange, long>("bytes_used", ColumnKind.Large, change => change.After.Account.Bytes),
        new SentColumn<AccountChange, byte[]?>("account", ColumnKind.Bytes, change => change.After.Sealed));

    private static readonly SentRows<Secret> SentNames = SentDefaults("@names");
    private static readonly SentRows<Secret> SentPatterns = SentDefaults("@patterns");

    /// <summary>
    /// A loop locks the accounts, because one statement does not guarantee the lock order. The update takes the same lock as every other write. It changes the
    /// row: with optimized locking, an update that changes nothing may not keep its lock.
    /// A later statement reads the accounts, so that it sees the last write to each.
    /// </summary>
    internal static readonly string Lock =
        $"""
        SET NOCOUNT ON;
        DECLARE @accounts TABLE (place int NOT NULL PRIMARY KEY, kind tinyint NOT NULL, owner_key {OwnerKey.Type} NOT NULL);
        DECLARE @place int = 0, @places int, @kind tinyint, @key {OwnerKey.Type};
        INSERT INTO @accounts (place, kind, owner_key)
        SELECT place, kind, owner_key FROM {SqlServerOwnerRows.Requested};
        SET @places = @@ROWCOUNT;
        WHILE @place < @places
        BEGIN
            SELECT @kind = kind, @key = owner_key FROM @accounts WHERE place = @place;
            UPDATE o SET stamp = o.stamp + 1 FROM owners AS o WITH ({SqlServerSecretsDbContext.ByKey}) WHERE o.kind = @kind AND o.id_key = @key;
            SET @place += 1;
        END;
        SELECT COALESCE(o.stamp, 0), COALESCE(o.version, 0), COALESCE(o.secrets, 0), COALESCE(o.bytes_used, 0), o.account, {SqlServerPreconditions.AuditedVersion}
        FROM @accounts AS i LEFT JOIN owners AS o WITH (FORCESEEK) ON o.kind = i.kind AND o.id_key = i.owner_key
        ORDER BY i.place
        {SqlServerSecretsDbContext.InGivenOrder};
        """;

    /// <summary>
    /// The owners are locked, so no conflicting row can appear after NOT EXISTS; the unique indexes are the last defence. The hints prevent scans, which would
    /// read the rows of other owners.
    /// </summary>
    internal static readonly string Store =
        $"""
        SET NOCOUNT ON;
        DECLARE @stored TABLE (id binary(16) NOT NULL PRIMARY KEY);
        INSERT INTO secrets ({SecretColumns.All.Names(SentRows<Secret>.Quote)})
        OUTPUT inserted.id INTO @stored (id)
        SELECT {SecretColumns.All.Values(SentRows<Secret>.Quote)}
        FROM {Sent.Source}
        WHERE EXISTS (
                SELECT 1 FROM data_keys AS k WITH (FORCESEEK)
                WHERE k.id = CAST(SUBSTRING(i.envelope, 2, 16) AS binary(16)) AND k.retired_at IS NULL)
            AND NOT EXISTS (
                SELECT 1 FROM secrets AS s WITH (FORCESEEK)
                WHERE s.owner_kind = i.owner_kind AND s.owner_key = i.owner_key AND s.name_key = i.name_key)
            AND NOT EXISTS (
                SELECT 1 FROM secrets AS s WITH (FORCESEEK)
                WHERE s.owner_kind = i.owner_kind AND s.owner_key = i.owner_key AND s.tool_key = i.tool_key AND s.arg_key = i.arg_key
                    AND s.tool_key IS NOT NULL);
        SELECT id FROM @stored;
        """;

    internal static readonly string Move =
        $"""
        UPDATE o SET stamp = o.stamp + 1, version = i.version, secrets = i.secrets, bytes_used = i.bytes_used, account = i.account
        FROM {SentAccounts.Source}
        INNER JOIN owners AS o WITH ({SqlServerSecretsDbContext.ByKey}) ON o.kind = i.kind AND o.id_key = i.owner_key
        {SqlServerSecretsDbContext.InGivenOrder};
        """;

    internal static readonly string OverlapsOfNames = OverlapCandidates(SentNames, "s.pattern_arg_key = i.arg_key AND s.pattern_arg_key IS NOT NULL");

    internal static readonly string OverlapsOfPatterns = OverlapCandidates(SentPatterns, "s.arg_key = i.arg_key AND s.tool_key IS NOT NULL");

    private static readonly string Batch = $"{Store}\n{OverlapsOfNames}\n{OverlapsOfPatterns}";

    public async Task<IReadOnlyList<OwnerRow>> LockAsync(SecretsDbContext db, IReadOnlyList<SecretOwner> owners)
    {
        await using var command = SqlServerSecretsDbContext.CommandOf(db, Lock);
        SqlServerOwnerRows.Add(command, owners);
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
        await using var command = SqlServerSecretsDbContext.CommandOf(db, Move);
        SentAccounts.AddTo(command, accounts);
        await command.ExecuteNonQueryAsync();
    }

    public async Task<IReadOnlyList<NewSecret?>> StoreAsync(SecretsDbContext db, IReadOnlyList<Secret> secrets)
    {
        await using var command = Command(db, WithoutRepeats(secrets));
        await using var reader = await command.ExecuteReaderAsync();
        return await NewSecretRows.ReadAsync(reader, static (row, at) => UuidBytes.Read(row.GetFieldValue<byte[]>(at)), secrets);
    }

    private static string OverlapCandidates(SentRows<Secret> defaults, string condition) =>
        $"""
        SELECT i.id, s.id, s.name, s.tool_name
        FROM {defaults.Source}
        CROSS APPLY (
            SELECT TOP (@most) s.id, s.name, s.tool_name FROM secrets AS s WITH (FORCESEEK)
            WHERE s.owner_kind = i.owner_kind AND s.owner_key = i.owner_key AND {condition} AND s.id <> i.id AND s.tool_name IS NOT NULL
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

    private static SentRows<Secret> SentDefaults(string parameter) => new(
        parameter,
        new SentColumn<Secret, Guid>("id", ColumnKind.Uuid, secret => secret.Id),
        new SentColumn<Secret, short>("owner_kind", ColumnKind.Tiny, secret => (short)secret.OwnerKind),
        OwnerKeyOf,
        new SentColumn<Secret, byte[]?>("arg_key", ColumnKind.Hash, secret => secret.ArgKey));

    private static SqlCommand Command(SecretsDbContext db, List<Secret> secrets)
    {
        var defaults = secrets.Where(secret => secret.IsDefaultForTool).ToLookup(secret => secret.PatternArgKey is not null);
        var command = SqlServerSecretsDbContext.CommandOf(db, Batch);
        Sent.AddTo(command, secrets);
        SentNames.AddTo(command, defaults[false]);
        SentPatterns.AddTo(command, defaults[true]);
        command.Parameters.Add(new SqlParameter("@most", SqlDbType.Int) { Value = OverlapCandidate.MaxCount });
        return command;
    }
}
