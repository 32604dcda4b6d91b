using Secrets.TestKit;

namespace Secrets.Api.Tests.Promises;

/// <summary>
/// Promise 3: every edit of the audit tables is found. The class has its own server, without other writers and without retention,
/// because the statements need a chain that begins in a certain way.
/// </summary>
public sealed class TamperingWithTheAudit(Auditing.OwnServer own) : IClassFixture<Auditing.OwnServer>
{
    /// <summary>A chain of at least four rows. The second is about a secret, because a row about a key has fields that are already empty.</summary>
    private static readonly Sql Writer = Sql.Of(
        "SELECT writer FROM audit GROUP BY writer HAVING count(*) >= 4 AND count(CASE WHEN sequence = 2 THEN secret_version END) = 1 ORDER BY writer LIMIT 1",
        "SELECT TOP (1) writer FROM audit GROUP BY writer HAVING count(*) >= 4 AND count(CASE WHEN sequence = 2 THEN secret_version END) = 1 ORDER BY writer");

    /// <summary>Edits of the tables. <c>'w'</c> stands for <see cref="Writer"/>.</summary>
    public static TheoryData<string> Tampering => TestDatabase.IsSqlServer ? TamperingInTSql : [.. InAnySql, .. InSqlOfPostgres];

    /// <summary>The edits in T-SQL, without infinite timestamps and hashes of another length, which its types cannot hold.</summary>
    public static TheoryData<string> TamperingInTSql => [.. InAnySql, .. InTSql];

    private static readonly string[] InAnySql =
    [
        "UPDATE audit SET action = action + 1 WHERE writer = 'w' AND sequence = 2",
        "UPDATE audit SET action = action + 256 WHERE writer = 'w' AND sequence = 2",
        "UPDATE audit SET outcome = outcome + 1 WHERE writer = 'w' AND sequence = 2",
        "UPDATE audit SET owner_kind = 2 WHERE writer = 'w' AND sequence = 2",
        "UPDATE audit SET owner_kind = 257 WHERE writer = 'w' AND sequence = 2",
        "UPDATE audit SET owner_kind = NULL WHERE writer = 'w' AND sequence = 2",
        "UPDATE audit SET owner_id = NULL WHERE writer = 'w' AND sequence = 2",
        "UPDATE audit SET owner_version = owner_version + 1 WHERE writer = 'w' AND sequence = 2",
        "UPDATE audit SET owner_version = NULL WHERE writer = 'w' AND sequence = 2",
        "UPDATE audit SET secret_id = NULL WHERE writer = 'w' AND sequence = 2",
        "UPDATE audit SET secret_version = secret_version + 1 WHERE writer = 'w' AND sequence = 2",
        "UPDATE audit SET tool_name = '' WHERE writer = 'w' AND sequence = 2",
        "UPDATE audit SET tool_arg = '' WHERE writer = 'w' AND sequence = 2",
        "UPDATE audit SET left_out = 1 WHERE writer = 'w' AND sequence = 2",
        "UPDATE audit SET address = '::1' WHERE writer = 'w' AND sequence = 2",
        "UPDATE audit SET address = NULL WHERE writer = 'w' AND sequence = 2",
        "UPDATE audit SET sequence = sequence + 1000000 WHERE writer = 'w' AND sequence = 2",
        "DELETE FROM audit WHERE writer = 'w' AND sequence = 1",
        "DELETE FROM audit WHERE writer = 'w' AND sequence = 2",
        "DELETE FROM audit WHERE writer = 'w' AND sequence = (SELECT max(sequence) FROM audit WHERE writer = 'w')",
        "DELETE FROM audit WHERE writer = 'w' AND sequence > 1",
        "DELETE FROM audit WHERE writer = 'w'",
        "DELETE FROM audit",
        "DELETE FROM audit WHERE writer = 'w' AND sequence = 1; UPDATE audit SET sequence = -sequence WHERE writer = 'w'; UPDATE audit SET sequence = -sequence - 1 WHERE writer = 'w'",
        "INSERT INTO audit SELECT writer, (SELECT max(sequence) + 1 FROM audit WHERE writer = 'w'), at, actor, key_id, token_issuer, token_subject, action, outcome, owner_kind, owner_id, owner_version, secret_id, secret_version, target_key_id, target_key_user_id, tool_name, tool_arg, address, agent_id, run_id, tool_call_id, request_id, client_request_id, left_out, hash FROM audit WHERE writer = 'w' AND sequence = 2",
        "UPDATE audit SET sequence = -sequence WHERE writer = 'w' AND sequence IN (2, 3); UPDATE audit SET sequence = 5 + sequence WHERE writer = 'w' AND sequence < 0",
        "UPDATE audit_writers SET sequence = sequence - 1 WHERE id = 'w'",
        "DELETE FROM audit WHERE writer = 'w' AND sequence = 1; UPDATE audit_writers SET anchor_sequence = 1 WHERE id = 'w'",
        "UPDATE audit_writers SET number = number + 100 WHERE id = 'w'",
        "DELETE FROM audit WHERE writer = 'w'; DELETE FROM audit_writers WHERE id = 'w'",
        "DELETE FROM audit WHERE writer = 'w'; DELETE FROM audit_writers WHERE id = 'w'; UPDATE audit_writers SET number = number - 1 WHERE number > 1; UPDATE audit_keys SET writers = writers - 1",
        "UPDATE audit_keys SET writers = writers + 1",
        "DELETE FROM audit; DELETE FROM audit_writers; UPDATE audit_keys SET writers = 0",
        "DELETE FROM audit; DELETE FROM audit_writers; DELETE FROM audit_keys",
    ];

    private static readonly string[] InTSql =
    [
        "UPDATE audit SET at = DATEADD(microsecond, 1, at) WHERE writer = 'w' AND sequence = 2",
        "UPDATE audit SET actor = CAST(NEWID() AS binary(16)) WHERE writer = 'w' AND sequence = 2",
        "UPDATE audit SET owner_id = owner_id + N'x' WHERE writer = 'w' AND sequence = 2",
        "UPDATE audit SET secret_id = CAST(NEWID() AS binary(16)) WHERE writer = 'w' AND sequence = 2",
        "UPDATE audit SET target_key_user_id = CAST(NEWID() AS binary(16)) WHERE writer = 'w' AND sequence = 2",
        "UPDATE audit SET key_id = CAST(NEWID() AS binary(16)) WHERE writer = 'w' AND sequence = 2",
        "UPDATE audit SET target_key_id = CAST(NEWID() AS binary(16)) WHERE writer = 'w' AND sequence = 2",
        "UPDATE audit SET token_issuer = N'i', token_subject = N's' WHERE writer = 'w' AND sequence = 2",
        "UPDATE audit SET agent_id = N'a' WHERE writer = 'w' AND sequence = 2",
        "UPDATE audit SET client_request_id = N'c' WHERE writer = 'w' AND sequence = 2",
        "UPDATE audit SET request_id = request_id + N' ' WHERE writer = 'w' AND sequence = 2",
        "UPDATE audit SET hash = CAST(HASHBYTES('SHA2_256', hash) AS binary(32)) WHERE writer = 'w' AND sequence = 2",
        "UPDATE audit SET hash = 0x WHERE writer = 'w' AND sequence = 2",
        "INSERT INTO audit SELECT CAST(NEWID() AS binary(16)), 1, at, actor, key_id, token_issuer, token_subject, action, outcome, owner_kind, owner_id, owner_version, secret_id, secret_version, target_key_id, target_key_user_id, tool_name, tool_arg, address, agent_id, run_id, tool_call_id, request_id, client_request_id, left_out, hash FROM audit WHERE writer = 'w' AND sequence = 1",
        "UPDATE audit SET writer = CAST(NEWID() AS binary(16)) WHERE writer = 'w'",
        "UPDATE audit_writers SET hash = CAST(HASHBYTES('SHA2_256', hash) AS binary(32)) WHERE id = 'w'",
        "UPDATE audit_writers SET head_mac = CAST(HASHBYTES('SHA2_256', head_mac) AS binary(32)) WHERE id = 'w'",
        "UPDATE audit_writers SET anchor_mac = CAST(HASHBYTES('SHA2_256', anchor_mac) AS binary(32)) WHERE id = 'w'",
        "DELETE FROM audit WHERE writer = 'w' AND sequence = (SELECT max(sequence) FROM audit WHERE writer = 'w'); UPDATE audit_writers SET sequence = sequence - 1, hash = (SELECT TOP (1) hash FROM audit WHERE writer = 'w' ORDER BY sequence DESC) WHERE id = 'w'",
    ];

    private static readonly string[] InSqlOfPostgres =
    [
        "UPDATE audit SET at = at + interval '1 microsecond' WHERE writer = 'w' AND sequence = 2",
        "UPDATE audit SET at = '4000-01-01 BC' WHERE writer = 'w' AND sequence = 2",
        "UPDATE audit SET at = 'infinity' WHERE writer = 'w' AND sequence = 2",
        "UPDATE audit SET actor = gen_random_uuid() WHERE writer = 'w' AND sequence = 2",
        "UPDATE audit SET owner_id = owner_id || 'x' WHERE writer = 'w' AND sequence = 2",
        "UPDATE audit SET secret_id = gen_random_uuid() WHERE writer = 'w' AND sequence = 2",
        "UPDATE audit SET target_key_user_id = gen_random_uuid() WHERE writer = 'w' AND sequence = 2",
        "UPDATE audit SET key_id = gen_random_uuid() WHERE writer = 'w' AND sequence = 2",
        "UPDATE audit SET target_key_id = gen_random_uuid() WHERE writer = 'w' AND sequence = 2",
        "UPDATE audit SET token_issuer = 'i', token_subject = 's' WHERE writer = 'w' AND sequence = 2",
        "UPDATE audit SET agent_id = 'a' WHERE writer = 'w' AND sequence = 2",
        "UPDATE audit SET run_id = 'a' WHERE writer = 'w' AND sequence = 2",
        "UPDATE audit SET tool_call_id = 'a' WHERE writer = 'w' AND sequence = 2",
        "UPDATE audit SET client_request_id = 'c' WHERE writer = 'w' AND sequence = 2",
        "UPDATE audit SET request_id = request_id || ' ' WHERE writer = 'w' AND sequence = 2",
        "UPDATE audit SET hash = set_byte(hash, 31, get_byte(hash, 31) # 1) WHERE writer = 'w' AND sequence = 2",
        "UPDATE audit SET hash = ''::bytea WHERE writer = 'w' AND sequence = 2",
        "UPDATE audit SET hash = decode(repeat('00', 100000), 'hex') WHERE writer = 'w' AND sequence = 2",
        "INSERT INTO audit SELECT gen_random_uuid(), 1, at, actor, key_id, token_issuer, token_subject, action, outcome, owner_kind, owner_id, owner_version, secret_id, secret_version, target_key_id, target_key_user_id, tool_name, tool_arg, address, agent_id, run_id, tool_call_id, request_id, client_request_id, left_out, hash FROM audit WHERE writer = 'w' AND sequence = 1",
        "UPDATE audit SET writer = gen_random_uuid() WHERE writer = 'w'",
        "UPDATE audit_writers SET hash = set_byte(hash, 0, get_byte(hash, 0) # 1) WHERE id = 'w'",
        "UPDATE audit_writers SET hash = decode(repeat('00', 100000), 'hex') WHERE id = 'w'",
        "UPDATE audit_writers SET head_mac = set_byte(head_mac, 0, get_byte(head_mac, 0) # 1) WHERE id = 'w'",
        "UPDATE audit_writers SET anchor_mac = set_byte(anchor_mac, 0, get_byte(anchor_mac, 0) # 1) WHERE id = 'w'",
        "DELETE FROM audit WHERE writer = 'w' AND sequence = (SELECT max(sequence) FROM audit WHERE writer = 'w'); UPDATE audit_writers SET sequence = sequence - 1, hash = (SELECT hash FROM audit WHERE writer = 'w' ORDER BY sequence DESC LIMIT 1) WHERE id = 'w'",
    ];

    [Theory]
    [MemberData(nameof(Tampering))]
    public async Task Tampering_with_the_tables_is_found(string sql)
    {
        await own.FillAsync();
        await own.MustVerifyAsync();
        var writer = await own.Server.ScalarAsync<Guid>(Writer);
        await own.Server.ExecuteSqlAsync(Sql.Of(
            "CREATE TABLE kept_audit AS TABLE audit; CREATE TABLE kept_writers AS TABLE audit_writers; CREATE TABLE kept_keys AS TABLE audit_keys",
            $"SELECT * INTO kept_audit FROM audit; SELECT * INTO kept_writers FROM audit_writers; SELECT * INTO kept_keys FROM audit_keys{TestDatabase.WithoutComputed("kept_audit")}"));
        try
        {
            var literal = TestDatabase.IsSqlServer ? $"0x{writer:N}" : $"'{writer}'";
            Assert.True(await own.Server.ExecuteSqlAsync(TestDatabase.Own(sql.Replace("'w'", literal, StringComparison.Ordinal))) > 0);

            var found = await own.VerifyAsync();

            Assert.False(found["ok"]!.GetValue<bool>(), found.ToJsonString());
            Assert.NotNull(found["first_broken"]!["writer"]);
            Assert.NotNull(found["first_broken"]!["sequence"]);
        }
        finally
        {
            await own.Server.ExecuteSqlAsync(
                """
                DELETE FROM audit; DELETE FROM audit_writers; DELETE FROM audit_keys;
                INSERT INTO audit SELECT * FROM kept_audit; INSERT INTO audit_writers SELECT * FROM kept_writers; INSERT INTO audit_keys SELECT * FROM kept_keys;
                DROP TABLE kept_audit; DROP TABLE kept_writers; DROP TABLE kept_keys
                """);
        }

        await own.MustVerifyAsync();
    }

    [Theory]
    [MemberData(nameof(TamperingInTSql))]
    public void Tampering_for_SqlServer_is_valid_T_SQL(string sql) => TSql.Check(sql);
}
