using System.Text.Json.Nodes;
using Secrets.Domain.Secrets;
using Secrets.TestKit;

namespace Secrets.Infrastructure.Tests.Integrity;

/// <summary>Promise 9: inserted, removed, moved or replayed rows are rejected and reported, even if the service once wrote them.</summary>
public sealed class ReplayingRows(AttackedServer attacked) : IClassFixture<AttackedServer>
{
    /// <summary>Attacks on an owner's rows. <c>owner</c> is the victim, <c>other</c> another owner.</summary>
    public static TheoryData<string, string> Attacks => new()
    {
        { "a secret is removed", "DELETE FROM secrets WHERE owner_id = 'owner' AND name = 'wider'" },
        { "the default is removed, so that a lesser one would win", "DELETE FROM secret_uses; DELETE FROM secrets WHERE owner_id = 'owner' AND name = 'first'" },
        { "the default is re-patterned, so that a lesser one would win", "UPDATE secrets SET tool_name = 'x', tool_key = sha256('x') WHERE owner_id = 'owner' AND name = 'first'" },
        { "a secret of another owner is moved here", "UPDATE secrets SET owner_id = 'owner', is_default_for_tool = false, tool_key = NULL, arg_key = NULL, pattern_arg_key = NULL, name = 'moved', name_key = sha256('moved') WHERE owner_id = 'other' AND name = 'wider'" },
        { "a secret is moved to another owner", "UPDATE secrets SET owner_id = 'other', is_default_for_tool = false, tool_key = NULL, arg_key = NULL, pattern_arg_key = NULL, name = 'moved', name_key = sha256('moved') WHERE owner_id = 'owner' AND name = 'wider'" },
        { "two owners' secrets are swapped", "UPDATE secrets SET owner_id = CASE owner_id WHEN 'owner' THEN 'other' ELSE 'owner' END, is_default_for_tool = false, tool_key = NULL, arg_key = NULL, pattern_arg_key = NULL, name = 'moved', name_key = sha256('moved') WHERE name = 'wider' AND owner_id IN ('owner', 'other')" },
        { "a secret is copied", "INSERT INTO secrets SELECT gen_random_uuid(), owner_kind, owner_id, 'copy', description, sha256('copy'), 'u', tool_arg, is_default_for_tool, sha256('u'), arg_key, NULL, workspace_rule, envelope, display, size, version, created_at, created_by, updated_at, updated_by FROM secrets WHERE owner_id = 'owner' AND name = 'first'" },
        { "a grant is removed", "DELETE FROM workspace_grants g USING secrets s WHERE s.id = g.secret_id AND s.owner_id = 'owner'" },
        { "a grant is inserted", "INSERT INTO workspace_grants (secret_id, number, workspace) SELECT id, 7, 'hr' FROM secrets WHERE owner_id = 'owner' AND name = 'first'" },
        { "the data key is removed", "DELETE FROM data_keys WHERE owner_id = 'owner'" },
        { "the data key is retired", "UPDATE data_keys SET retired_at = now() WHERE owner_id = 'owner'" },
        { "another owner's data key is copied", "INSERT INTO data_keys SELECT gen_random_uuid(), owner_kind, 'owner', wrapped, created_at, now() FROM data_keys WHERE owner_id = 'other'" },
        { "another owner's account is copied", "UPDATE owners o SET account = t.account, version = t.version, secrets = t.secrets, bytes_used = t.bytes_used FROM owners t WHERE t.id = 'other' AND o.id = 'owner'" },
        { "everything is removed", "DELETE FROM workspace_grants g USING secrets s WHERE s.id = g.secret_id AND s.owner_id = 'owner'; DELETE FROM secret_uses; DELETE FROM secrets WHERE owner_id = 'owner'; DELETE FROM data_keys WHERE owner_id = 'owner'; DELETE FROM owners WHERE id = 'owner'" },
        { "everything but the owner's row is removed, and that has no account", "ALTER TABLE owners ALTER COLUMN account DROP NOT NULL; DELETE FROM workspace_grants g USING secrets s WHERE s.id = g.secret_id AND s.owner_id = 'owner'; DELETE FROM secret_uses; DELETE FROM secrets WHERE owner_id = 'owner'; DELETE FROM data_keys WHERE owner_id = 'owner'; UPDATE owners SET account = NULL WHERE id = 'owner'" },
    };

    [Theory]
    [MemberData(nameof(Attacks))]
    public async Task Rows_that_were_changed_do_not_count(string what, string attack)
    {
        using var victim = await Victim.NewAsync(attacked.Server);
        using var other = await Victim.NewAsync(attacked.Server);

        await attacked.AttackUnderLoadAsync(
            victim, attack.Replace("'owner'", $"'{victim.Organization}'", StringComparison.Ordinal).Replace("'other'", $"'{other.Organization}'", StringComparison.Ordinal));

        Assert.True((await victim.ResolveAsync()).Status == 409, what);
        Assert.False(await attacked.VerifiesAfterRestartAsync(victim.Owner), what);
        (await victim.TryCreateAsync("new", "u", "a new value")).MustBe(409);
        (await victim.UpdateAsync("another value")).MustBe(409);
        await attacked.MustBeToldAsync(victim.Owner);
    }

    [Fact]
    public async Task A_secret_that_is_put_back_as_it_was_is_not_handed_out()
    {
        using var victim = await Victim.NewAsync(attacked.Server);
        await SaveAsync("secrets", $"id = '{victim.First}'");
        (await victim.UpdateAsync("the current value")).MustBe(200);
        await PutBackAsync("secrets", $"id = '{victim.First}'");

        await victim.MustBeRefusedAsync();
        Assert.False(await attacked.VerifiesAfterRestartAsync(victim.Owner));
        await attacked.MustBeToldAsync(victim.Owner);
    }

    [Fact]
    public async Task A_secret_that_was_deleted_and_put_back_is_not_handed_out()
    {
        using var victim = await Victim.NewAsync(attacked.Server);
        await SaveAsync("secrets", $"id = '{victim.First}'");
        (await victim.Admin.DeleteAsync($"/api/v1/secrets/{victim.First}")).MustBe(200);
        Assert.Equal("a lesser value", await victim.ValueAsync());
        await PutBackAsync("secrets", $"id = '{victim.First}'");

        await victim.MustBeRefusedAsync();
        Assert.False(await attacked.VerifiesAfterRestartAsync(victim.Owner));
    }

    [Theory]
    [InlineData("update")]
    [InlineData("delete")]
    [InlineData("create")]
    public async Task An_owner_that_is_put_back_as_a_whole_is_noticed_also_after_a_restart_and_is_not_written_on(string what)
    {
        using var victim = await Victim.NewAsync(attacked.Server);
        var (owner, rows) = ($"id = '{victim.Organization}'", $"owner_id = '{victim.Organization}'");
        await SaveAsync("owners", owner);
        await SaveAsync("secrets", rows);
        (what switch
        {
            "update" => await victim.UpdateAsync("the current value"),
            "delete" => await victim.Admin.DeleteAsync($"/api/v1/secrets/{victim.First}"),
            _ => await victim.TryCreateAsync("new", "t__*", "a new value"),
        }).MustBe(200);
        await attacked.AttackAsync($"DELETE FROM secret_uses; DELETE FROM secrets WHERE {rows} AND name = 'new'");
        await PutBackAsync("owners", owner);
        await PutBackAsync("secrets", rows);

        await victim.MustBeRefusedAsync();
        Assert.False(await attacked.VerifiesAfterRestartAsync(victim.Owner));
        await attacked.MustBeToldAsync(victim.Owner);
    }

    [Fact]
    public async Task What_the_audit_no_longer_has_because_of_its_age_is_noticed_all_the_same()
    {
        using var victim = await Victim.NewAsync(attacked.Server);
        await SaveAsync("owners", $"id = '{victim.Organization}'");
        await SaveAsync("secrets", $"id = '{victim.First}'");
        (await victim.UpdateAsync("the current value")).MustBe(200);

        // The attacker inserts a row with the same version, and deletes it once retention has removed the genuine row.
        await attacked.AttackAsync($"INSERT INTO audit (writer, sequence, at, actor, action, outcome, owner_kind, owner_id, owner_version, hash) SELECT gen_random_uuid(), 1, '2999-01-01', actor, action, outcome, owner_kind, owner_id, owner_version, hash FROM audit WHERE owner_id = '{victim.Organization}' AND owner_version IS NOT NULL AND target_key_user_id IS NULL");
        await attacked.Server.RemoveAuditAsync(DateTimeOffset.UtcNow);
        await attacked.AttackAsync("DELETE FROM audit WHERE at = '2999-01-01'");
        Assert.Equal("the current value", await victim.ValueAsync());
        Assert.True(await attacked.VerifiesAfterRestartAsync(victim.Owner));
        Assert.True(await attacked.KeysVerifyAfterRestartAsync(victim.Runtime.UserId));
        await PutBackAsync("owners", $"id = '{victim.Organization}'");
        await PutBackAsync("secrets", $"id = '{victim.First}'");

        Assert.False(await attacked.VerifiesAfterRestartAsync(victim.Owner));
        using var @operator = attacked.Server.Operator();
        var verdict = (await @operator.GetAsync("/api/v1/audit/verify")).MustBe(200).Json;
        Assert.Null(verdict["first_broken"]);
        Assert.Contains(verdict["owners"]!.AsArray(), owner => owner!["owner"]!["id"]!.GetValue<string>() == victim.Organization);
    }

    [Fact]
    public async Task A_removed_audit_row_that_is_put_back_does_not_stand_for_a_version()
    {
        using var victim = await Victim.NewAsync(attacked.Server);
        await SaveAsync("owners", $"id = '{victim.Organization}'");
        await SaveAsync("secrets", $"id = '{victim.First}'");
        Guid writer;
        await using (var other = attacked.Replica())
        {
            await other.InitializeAsync();
            using var admin = other.WithKey(victim.Admin.Key!);
            foreach (var value in (string[])["a newer value", "the current value"]) // two rows: the second follows the first
            {
                (await admin.PatchAsync($"/api/v1/secrets/{victim.First}", new JsonObject { ["secret_value"] = value })).MustBe(200);
            }

            writer = await other.ScalarAsync<Guid>(Sql.Of(
                $"SELECT writer FROM audit WHERE owner_id = '{victim.Organization}' ORDER BY owner_version DESC NULLS LAST LIMIT 1", "SELECT 1"));
        }

        // Retention removes the rows of the other process, and writes the version in a row of this process. Before it does the same with that row, the attacker
        // puts the removed rows back.
        await SaveAsync("audit", $"writer = '{writer}'");
        await attacked.Server.RemoveAuditAsync(DateTimeOffset.UtcNow);
        await attacked.AttackAsync("INSERT INTO audit SELECT * FROM saved_audit");
        await attacked.Server.RemoveAuditAsync(DateTimeOffset.UtcNow);
        await attacked.AttackAsync($"DELETE FROM audit WHERE writer = '{writer}'");
        await PutBackAsync("owners", $"id = '{victim.Organization}'");
        await PutBackAsync("secrets", $"id = '{victim.First}'");

        Assert.False(await attacked.VerifiesAfterRestartAsync(victim.Owner));
    }

    [Fact]
    public async Task A_secret_that_is_hidden_from_one_query_is_not_called_missing()
    {
        using var victim = await Victim.NewAsync(attacked.Server);
        using var user = await attacked.Server.NewUserAsync();
        var own = await user.CreateSecretAsync("own");

        // Only the query that verifies owners contains this word. The view hides all rows from other queries.
        await BehindAViewAsync("secrets", "SELECT * FROM stored_secrets WHERE current_query() LIKE '%unnest%'", async () =>
        {
            // The service looks up the owner of a secret for the organisation's admin only. The user's secrets have one owner.
            foreach (var (client, path) in new[] { (victim.Admin, $"/api/v1/secrets/{victim.First}"), (user, $"/api/v1/secrets/{own}") })
            {
                (await client.PatchAsync(path, new JsonObject { ["secret_value"] = "another value" })).MustBe(409);
                (await client.DeleteAsync(path)).MustBe(409);
                (await client.DeleteAsync($"/api/v1/secrets/{Guid.NewGuid()}")).MustBe(404);
            }

            (await victim.Admin.SendAsync(HttpMethod.Patch, "/api/v2/aihub/secrets", """{"alias":"second","value":"another value"}""")).MustBe(409);
            (await victim.Admin.SendAsync(HttpMethod.Delete, "/api/v2/aihub/secrets", """{"alias":"second"}""")).MustBe(409);
            (await victim.Admin.SendAsync(HttpMethod.Delete, "/api/v2/aihub/secrets", """{"alias":"third"}""")).MustBe(404);
        });

        await attacked.MustBeToldAsync(victim.Owner);
        await attacked.MustBeToldAsync(SecretOwner.User(user.UserId));
        (await victim.Admin.DeleteAsync($"/api/v1/secrets/{victim.First}")).MustBe(200);
        (await user.DeleteAsync($"/api/v1/secrets/{own}")).MustBe(200);
    }

    [Fact]
    public async Task Two_defaults_of_one_tool_do_not_count_although_the_service_wrote_both()
    {
        using var victim = await Victim.NewAsync(attacked.Server);
        await SaveAsync("secrets", $"id = '{victim.First}'");
        await attacked.AttackAsync($"DELETE FROM secret_uses; DELETE FROM secrets WHERE id = '{victim.First}'");
        (await victim.TryCreateAsync("first", "t", "the current value")).MustBe(200); // a create does not read the other secrets
        await attacked.AttackAsync("CREATE TABLE child_secrets () INHERITS (secrets); INSERT INTO child_secrets SELECT * FROM saved_secrets"); // unique indexes do not reach it
        try
        {
            (await victim.ResolveAsync()).MustBe(409);
            await attacked.MustBeToldAsync(victim.Owner);
        }
        finally
        {
            await attacked.AttackAsync("DROP TABLE child_secrets");
        }
    }

    [Fact]
    public async Task A_signed_anchor_leaves_only_after_the_versions_before_it_are_stored_again()
    {
        // Retention stops after one batch if the anchor does not move. Earlier tests may have written more rows than a batch has.
        await attacked.Server.RemoveAuditAsync(DateTimeOffset.UtcNow);
        using var victim = await Victim.NewAsync(attacked.Server);
        (await victim.UpdateAsync("the current value")).MustBe(200);

        // An attacker who keeps the signed anchor and blocks this update can remove the rows later.
        await attacked.AttackAsync(
            """
            CREATE FUNCTION keep_anchor() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
            CREATE TRIGGER keep_anchor BEFORE UPDATE OF anchor_sequence ON audit_writers FOR EACH ROW EXECUTE FUNCTION keep_anchor()
            """);
        try
        {
            await attacked.Server.RemoveAuditAsync(DateTimeOffset.UtcNow);
        }
        finally
        {
            await attacked.AttackAsync("DROP TRIGGER keep_anchor ON audit_writers; DROP FUNCTION keep_anchor()");
        }

        Assert.Equal(1L, await attacked.Server.ScalarAsync<long>(
            "SELECT count(*) FROM audit a JOIN owners o ON a.owner_id = o.id AND a.owner_version = o.version WHERE o.id = @id AND a.action = @action",
            ("id", victim.Organization),
            ("action", (short)Domain.Audit.AuditAction.AccountVersion)));
        Assert.Contains(attacked.Server.Log.Lines, line => line.Contains("does not move the anchor", StringComparison.Ordinal));
        await attacked.Server.RemoveAuditAsync(DateTimeOffset.UtcNow);
        Assert.True(await attacked.VerifiesAfterRestartAsync(victim.Owner));
    }

    [Fact]
    public async Task A_write_that_has_no_effect_is_reported()
    {
        using var victim = await Victim.NewAsync(attacked.Server);
        await attacked.AttackAsync(
            """
            CREATE FUNCTION skip() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
            CREATE TRIGGER skip BEFORE UPDATE ON secrets FOR EACH ROW EXECUTE FUNCTION skip()
            """);
        try
        {
            (await victim.UpdateAsync("another value")).MustBe(409);
        }
        finally
        {
            await attacked.AttackAsync("DROP TRIGGER skip ON secrets; DROP FUNCTION skip()");
        }

        await attacked.MustBeToldAsync(victim.Owner);
        Assert.Equal(Victim.Value, await victim.ValueAsync());
    }

    [Fact]
    public async Task An_update_that_finds_nothing_to_change_in_a_forged_row_is_refused()
    {
        using var victim = await Victim.NewAsync(attacked.Server);
        (await victim.Admin.PatchAsync($"/api/v1/secrets/{victim.First}", new JsonObject { ["description"] = "a description" })).MustBe(200);
        var columns = await attacked.Server.ScalarAsync<string>(Sql.Of(
            "SELECT string_agg(quote_ident(column_name), ', ' ORDER BY ordinal_position) FROM information_schema.columns WHERE table_name = 'secrets' AND table_schema = current_schema()",
            "SELECT 'none'"));

        // Only the query that verifies owners contains this word. The view shows other queries no description. Prepared statements need the same type.
        const string Described = "(CASE WHEN current_query() LIKE '%unnest%' THEN description ELSE '' END)::varchar(2048) COLLATE \"C\" AS description";
        await BehindAViewAsync("secrets", $"SELECT {columns!.Replace("description", Described, StringComparison.Ordinal)} FROM stored_secrets", async () =>
            (await victim.Admin.PatchAsync($"/api/v1/secrets/{victim.First}", new JsonObject { ["description"] = "" })).MustBe(409));

        await attacked.MustBeToldAsync(victim.Owner);
    }

    [Fact]
    public async Task What_is_put_right_is_used_again()
    {
        using var victim = await Victim.NewAsync(attacked.Server);
        await attacked.AttackAsync($"UPDATE secrets SET description = 'x' WHERE id = '{victim.First}'");
        (await victim.ResolveAsync()).MustBe(409);

        await attacked.AttackAsync($"UPDATE secrets SET description = '' WHERE id = '{victim.First}'");

        Assert.Equal(Victim.Value, await victim.ValueAsync());
        (await victim.UpdateAsync("another value")).MustBe(200);
    }

    /// <summary>Attacks on API keys. <c>victim</c> is the prefix of a key that may read and resolve.</summary>
    public static TheoryData<string> AttacksOnKeys =>
    [
        "UPDATE api_keys SET scopes = 63 WHERE prefix = 'victim'",
        "UPDATE api_keys SET user_id = '00000000-0000-0000-0000-000000000001' WHERE prefix = 'victim'",
        "UPDATE api_keys SET organization_id = 'default', role = 2 WHERE prefix = 'victim'",
        "UPDATE api_keys SET workspaces = ARRAY['finance'] WHERE prefix = 'victim'",
        "UPDATE api_keys SET expires_at = '9999-01-01' WHERE prefix = 'victim'",
        "UPDATE api_keys SET expires_at = '200000-01-01' WHERE prefix = 'victim'",
        "UPDATE api_keys SET workspaces = ARRAY[NULL]::text[] WHERE prefix = 'victim'",
        "DELETE FROM key_accounts",
        "UPDATE key_accounts SET version = version + 1",
    ];

    [Theory]
    [MemberData(nameof(AttacksOnKeys))]
    public async Task A_key_whose_row_was_changed_lets_nobody_in(string attack)
    {
        using var victim = await Victim.NewAsync(attacked.Server);
        await SaveAsync("key_accounts", "1 = 1");
        try
        {
            await attacked.AttackAsync(attack.Replace("'victim'", $"'{victim.Prefix}'", StringComparison.Ordinal));

            (await victim.Runtime.GetAsync("/api/v1/secrets")).MustBe(401);
            (await victim.ResolveAsync()).MustBe(401);
            await attacked.MustBeToldOfKeyAsync(victim.Prefix);
        }
        finally
        {
            await PutBackAsync("key_accounts", "1 = 1");
        }
    }

    [Fact]
    public async Task A_key_that_somebody_made_in_the_database_lets_nobody_in()
    {
        using var user = await attacked.Server.NewUserAsync();
        var text = Domain.ApiKeys.ApiKeyText.Generate();
        var (prefix, hash) = (Domain.ApiKeys.ApiKeyText.PrefixOf(text), Convert.ToHexString(Domain.ApiKeys.ApiKeyText.HashOf(text)));
        foreach (var owner in (Guid[])[user.UserId, Guid.NewGuid()])
        {
            await attacked.AttackAsync($"DELETE FROM api_keys WHERE prefix = '{prefix}'");
            Assert.Equal(1, await attacked.AttackAsync(
                $"INSERT INTO api_keys (id, name, prefix, hash, scopes, user_id, workspaces, created_at, created_by) VALUES (gen_random_uuid(), 'mine', '{prefix}', '\\x{hash}'::bytea, 63, '{owner}', ARRAY[]::text[], now(), '{owner}')"));

            using var attacker = attacked.Server.WithKey(text);
            (await attacker.GetAsync("/api/v1/secrets")).MustBe(401);
            (await attacker.GetAsync("/api/v1/api-keys")).MustBe(401);
        }

        await attacked.MustBeToldOfKeyAsync(prefix);
    }

    [Theory]
    [InlineData("created_by_key")]
    [InlineData("replaced_by")]
    public async Task A_key_cannot_name_the_uuid_of_zeros(string column)
    {
        using var user = await attacked.Server.NewUserAsync();
        (await user.GetAsync("/api/v1/secrets")).MustBe(200);
        await attacked.AttackAsync($"UPDATE api_keys SET {column} = '{Guid.Empty}' WHERE user_id = '{user.UserId}'");

        Assert.False(await attacked.KeysVerifyAfterRestartAsync(user.UserId));
    }

    [Fact]
    public async Task A_key_is_revoked_with_its_maker_even_if_its_row_is_missing_meanwhile()
    {
        using var @operator = attacked.Server.Operator();
        using var maker = await attacked.Server.NewUserAsync("secrets:read", "keys:manage", "operator");
        var user = Guid.NewGuid();
        var made = (await maker.PostAsync("/api/v1/api-keys", new JsonObject { ["name"] = "made", ["user_id"] = $"{user}", ["scopes"] = new JsonArray("secrets:read") })).MustBe(200).Json;
        var (id, row) = (made["id"]!.GetValue<Guid>(), $"id = '{made["id"]!.GetValue<Guid>()}'");
        var makerId = await attacked.Server.ScalarAsync<Guid>($"SELECT created_by_key FROM api_keys WHERE {row}");
        await SaveAsync("api_keys", row);
        await attacked.AttackAsync($"DELETE FROM api_keys WHERE {row}");

        // Neither answer may look like success, or like a key that never was.
        (await @operator.DeleteAsync($"/api/v1/api-keys/{makerId}?cascade=true")).MustBe(409);
        (await @operator.DeleteAsync($"/api/v1/api-keys/{id}")).MustBe(409);
        (await @operator.DeleteAsync($"/api/v1/api-keys/{id}?cascade=true")).MustBe(409);
        (await @operator.PostAsync($"/api/v1/api-keys/{id}/rotate", new JsonObject())).MustBe(409);

        // Nor if the row is of somebody else meanwhile and looks revoked.
        await PutBackAsync("api_keys", row);
        await attacked.AttackAsync($"UPDATE api_keys SET user_id = gen_random_uuid(), revoked_at = now() WHERE {row}");
        (await @operator.DeleteAsync($"/api/v1/api-keys/{id}")).MustBe(409);

        await PutBackAsync("api_keys", row);
        Assert.Equal("""{"revoked":2}""", (await @operator.DeleteAsync($"/api/v1/api-keys/{makerId}?cascade=true")).MustBe(200).Body);
        using var holder = attacked.Server.WithKey(made["key"]!.GetValue<string>());
        (await holder.GetAsync("/api/v1/secrets")).MustBe(401);
    }

    [Fact]
    public async Task A_forged_audit_row_does_not_hide_that_a_key_is_missing()
    {
        Guid[] users = [.. new[] { Guid.NewGuid(), Guid.NewGuid() }.Order()];
        using var @operator = attacked.Server.Operator();
        using var bystander = await attacked.Server.NewKeyAsync(users[0], ["secrets:read"]);
        using var holder = await attacked.Server.NewKeyAsync(users[1], ["secrets:read"]);
        var id = await attacked.Server.ScalarAsync<Guid>($"SELECT id FROM api_keys WHERE user_id = '{users[1]}'");
        var (row, audited) = ($"id = '{id}'", $"target_key_id = '{id}'");
        await SaveAsync("api_keys", row);
        await SaveAsync("audit", audited);
        try
        {
            // The forged row precedes the genuine one in the table and in the index. Its version fits the account of the bystander, whose keys verify.
            await attacked.AttackAsync(
                $"""
                DELETE FROM api_keys WHERE {row};
                DELETE FROM audit WHERE {audited};
                INSERT INTO audit (writer, sequence, at, actor, action, outcome, target_key_id, target_key_user_id, owner_version, hash)
                SELECT gen_random_uuid(), 1, s.at, s.actor, s.action, s.outcome, s.target_key_id, a.user_id, a.version, s.hash FROM saved_audit s, key_accounts a WHERE a.user_id = '{users[0]}';
                INSERT INTO audit SELECT * FROM saved_audit;
                """);

            (await @operator.DeleteAsync($"/api/v1/api-keys/{id}")).MustBe(409);
            (await @operator.DeleteAsync($"/api/v1/api-keys/{id}?cascade=true")).MustBe(409);
            (await @operator.PostAsync($"/api/v1/api-keys/{id}/rotate", new JsonObject())).MustBe(409);
        }
        finally
        {
            await attacked.AttackAsync($"DELETE FROM audit WHERE {audited} AND target_key_user_id = '{users[0]}'");
            await PutBackAsync("api_keys", row);
        }

        (await @operator.DeleteAsync($"/api/v1/api-keys/{id}")).MustBe(200);
        (await holder.GetAsync("/api/v1/secrets")).MustBe(401);
    }

    [Fact]
    public async Task An_admin_notices_that_the_key_of_a_member_is_missing()
    {
        var organization = $"org-{Guid.NewGuid():N}";
        using var admin = await attacked.Server.NewKeyAsync(Guid.NewGuid(), ["keys:manage"], organization, "admin");
        using var stranger = await attacked.Server.NewKeyAsync(Guid.NewGuid(), ["keys:manage"], $"{organization}-other", "admin");
        using var member = await attacked.Server.NewKeyAsync(Guid.NewGuid(), ["secrets:read"], organization);
        var id = await attacked.Server.ScalarAsync<Guid>($"SELECT id FROM api_keys WHERE user_id = '{member.UserId}'");
        await SaveAsync("api_keys", $"id = '{id}'");
        await attacked.AttackAsync($"DELETE FROM api_keys WHERE id = '{id}'");

        foreach (var query in (string[])["", "?cascade=true"])
        {
            (await admin.DeleteAsync($"/api/v1/api-keys/{id}{query}")).MustBe(409);
            (await stranger.DeleteAsync($"/api/v1/api-keys/{id}{query}")).MustBe(404);
        }

        await PutBackAsync("api_keys", $"id = '{id}'");
        (await admin.DeleteAsync($"/api/v1/api-keys/{id}")).MustBe(200);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_key_that_is_hidden_from_one_query_or_revoked_for_it_is_not_left_out(bool isHidden)
    {
        using var @operator = attacked.Server.Operator();
        using var stranger = await attacked.Server.NewUserAsync("keys:manage");
        using var maker = await attacked.Server.NewUserAsync("secrets:read", "keys:manage", "operator");
        var user = Guid.NewGuid();
        var made = (await maker.PostAsync("/api/v1/api-keys", new JsonObject { ["name"] = "made", ["user_id"] = $"{user}", ["scopes"] = new JsonArray("secrets:read") })).MustBe(200).Json;
        var (id, makerId) = (made["id"]!.GetValue<Guid>(), made["created_by_key"]!.GetValue<Guid>());
        (await @operator.DeleteAsync($"/api/v1/api-keys/{makerId}")).MustBe(200);

        // Queries that verify keys select them by user. The view changes the row for all other queries.
        var attack = $"id = '{id}' AND current_query() NOT LIKE '%user_id = %'";
        var columns = await attacked.Server.ScalarAsync<string>(Sql.Of(
            "SELECT string_agg(column_name, ', ') FROM information_schema.columns WHERE table_name = 'api_keys' AND column_name <> 'revoked_at'", "SELECT 'a'"));
        await BehindAViewAsync(
            "api_keys",
            isHidden ? $"SELECT * FROM stored_api_keys WHERE NOT ({attack})"
                : $"SELECT {columns}, CASE WHEN {attack} THEN now() ELSE revoked_at END AS revoked_at FROM stored_api_keys",
            async () =>
            {
                (await @operator.DeleteAsync($"/api/v1/api-keys/{makerId}?cascade=true")).MustBe(409);
                (await @operator.DeleteAsync($"/api/v1/api-keys/{id}?cascade=true")).MustBe(409);
                (await @operator.DeleteAsync($"/api/v1/api-keys/{id}")).MustBe(409);
                (await @operator.PostAsync($"/api/v1/api-keys/{id}/rotate", new JsonObject())).MustBe(409);
                (await stranger.DeleteAsync($"/api/v1/api-keys/{id}")).MustBe(404);
            });

        Assert.Contains(attacked.Server.Log.Lines, line => line.Contains($"The API keys of user {user} were changed outside the service", StringComparison.Ordinal));
        Assert.Equal("""{"revoked":1}""", (await @operator.DeleteAsync($"/api/v1/api-keys/{makerId}?cascade=true")).MustBe(200).Body);
    }

    [Theory]
    [InlineData("expires_at = NULL", true)] // its maker would not limit the expiry of the new key
    [InlineData("scopes = 1", false)] // the user would not be an operator, for whom no key with users:act is made
    public async Task A_key_that_is_changed_after_its_verification_decides_nothing(string change, bool isMaker)
    {
        // The lower id is locked and verified first. Then the request waits for the other one, while the attacker edits a key of the first.
        Guid[] users = [.. new[] { Guid.NewGuid(), Guid.NewGuid() }.Order()];
        string[] scopes = ["secrets:read", "users:act", "keys:manage", "operator"];
        using var @operator = attacked.Server.Operator();
        var edited = (await @operator.PostAsync("/api/v1/api-keys", new JsonObject
        {
            ["name"] = "edited",
            ["user_id"] = $"{users[0]}",
            ["scopes"] = new JsonArray([.. scopes.Select(scope => (JsonNode)scope)]),
            ["expires_at"] = DateTimeOffset.UtcNow.AddHours(1).ToString("O"),
        })).MustBe(200).Json;
        using var other = await attacked.Server.NewKeyAsync(users[1], scopes);
        using var own = attacked.Server.WithKey(edited["key"]!.GetValue<string>());

        await MustBeRefusedIfAttackedMeanwhileAsync(
            users[1],
            $"id = '{edited["id"]!.GetValue<Guid>()}'",
            row => $"UPDATE api_keys SET {change} WHERE {row}",
            () => (isMaker ? own : other).PostAsync("/api/v1/api-keys", new JsonObject
            {
                ["name"] = "made",
                ["user_id"] = $"{users[isMaker ? 1 : 0]}",
                ["scopes"] = new JsonArray(isMaker ? "secrets:read" : "users:act"),
            }));
    }

    [Fact]
    public async Task A_cascade_does_not_leave_out_a_key_that_is_removed_after_its_verification()
    {
        Guid[] users = [.. new[] { Guid.NewGuid(), Guid.NewGuid() }.Order()];
        using var @operator = attacked.Server.Operator();
        using var maker = await attacked.Server.NewKeyAsync(users[1], ["secrets:read", "keys:manage", "operator"]);
        var made = (await maker.PostAsync("/api/v1/api-keys", new JsonObject { ["name"] = "made", ["user_id"] = $"{users[0]}", ["scopes"] = new JsonArray("secrets:read") })).MustBe(200).Json;

        await MustBeRefusedIfAttackedMeanwhileAsync(
            users[1],
            $"id = '{made["id"]!.GetValue<Guid>()}'",
            row => $"DELETE FROM api_keys WHERE {row}",
            () => @operator.DeleteAsync($"/api/v1/api-keys/{made["created_by_key"]!.GetValue<Guid>()}?cascade=true"));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_revoked_key_stays_revoked(bool withItsAccount)
    {
        using var victim = await Victim.NewAsync(attacked.Server);
        var (key, account) = ($"prefix = '{victim.Prefix}'", $"user_id = '{victim.Runtime.UserId}'");
        await SaveAsync("api_keys", key);
        await SaveAsync("key_accounts", account);
        await RevokeAsync(victim.Prefix);
        await PutBackAsync("api_keys", key);
        if (withItsAccount)
        {
            await PutBackAsync("key_accounts", account);
        }

        (await victim.Runtime.GetAsync("/api/v1/secrets")).MustBe(401);
        (await victim.ResolveAsync()).MustBe(401);
        Assert.False(await attacked.KeysVerifyAfterRestartAsync(victim.Runtime.UserId));

        // Creating another key of the user does not make the tampered key valid.
        using var @operator = attacked.Server.Operator();
        (await @operator.PostAsync("/api/v1/api-keys", new JsonObject
        {
            ["name"] = "another",
            ["user_id"] = victim.Runtime.UserId.ToString(),
            ["scopes"] = new JsonArray("secrets:read"),
        })).MustBe(409);
        (await victim.Runtime.GetAsync("/api/v1/secrets")).MustBe(401);
    }

    [Fact]
    public async Task A_second_row_of_a_key_does_not_protect_the_key()
    {
        using var victim = await Victim.NewAsync(attacked.Server);
        var id = await attacked.Server.ScalarAsync<Guid>("SELECT id FROM api_keys WHERE prefix = @prefix", ("prefix", victim.Prefix));
        await attacked.AttackAsync(
            $"""
            CREATE TABLE child_keys () INHERITS (api_keys); INSERT INTO child_keys SELECT * FROM api_keys WHERE id = '{id}';
            UPDATE child_keys SET user_id = gen_random_uuid(), prefix = 'secsvc_1234567890', revoked_at = now()
            """);
        try
        {
            using var @operator = attacked.Server.Operator();
            (await @operator.DeleteAsync($"/api/v1/api-keys/{id}")).MustBe(409);
            (await @operator.PostAsync($"/api/v1/api-keys/{id}/rotate", new JsonObject())).MustBe(409);
        }
        finally
        {
            await attacked.AttackAsync("DROP TABLE child_keys");
        }
    }

    [Fact]
    public async Task A_key_that_looks_revoked_is_not_believed_to_be()
    {
        using var victim = await Victim.NewAsync(attacked.Server);
        var id = await attacked.Server.ScalarAsync<Guid>("SELECT id FROM api_keys WHERE prefix = @prefix", ("prefix", victim.Prefix));
        await attacked.AttackAsync($"UPDATE api_keys SET revoked_at = now() WHERE id = '{id}'");

        using var @operator = attacked.Server.Operator();
        (await @operator.DeleteAsync($"/api/v1/api-keys/{id}")).MustBe(409);
        (await @operator.PostAsync($"/api/v1/api-keys/{id}/rotate", new JsonObject())).MustBe(409);
    }

    [Fact]
    public async Task A_key_that_looks_revoked_is_reported_at_its_first_use()
    {
        // The process has verified no key of this user yet.
        using var user = await attacked.Server.NewUserAsync();
        var prefix = Domain.ApiKeys.ApiKeyText.PrefixOf(user.Key!);
        var id = await attacked.Server.ScalarAsync<Guid>("SELECT id FROM api_keys WHERE prefix = @prefix", ("prefix", prefix));
        await attacked.AttackAsync($"UPDATE api_keys SET revoked_at = now() WHERE id = '{id}'");

        (await user.GetAsync("/api/v1/secrets")).MustBe(401);

        await attacked.MustBeToldOfKeyAsync(prefix);
        Assert.Equal(1L, await attacked.Server.ScalarAsync<long>(
            "SELECT CAST(count(*) AS bigint) FROM audit WHERE action = @action AND target_key_id = @id", ("action", AttackedServer.IntegrityFailure), ("id", id)));

        // The audit does not record the use of a revoked key.
        Assert.Equal(0L, await attacked.Server.ScalarAsync<long>("SELECT CAST(count(*) AS bigint) FROM audit WHERE key_id = @id", ("id", id)));
    }

    [Fact]
    public async Task A_cached_key_that_looks_revoked_is_reported_at_its_next_use()
    {
        using var victim = await Victim.NewAsync(attacked.Server);
        (await victim.ResolveAsync()).MustBe(200);
        await attacked.AttackAsync($"UPDATE api_keys SET revoked_at = now() WHERE prefix = '{victim.Prefix}'");

        (await victim.ResolveAsync()).MustBe(401);

        await attacked.MustBeToldOfKeyAsync(victim.Prefix);
    }

    [Fact]
    public async Task Of_many_first_keys_of_a_user_each_lets_its_holder_in()
    {
        for (var round = 0; round < 3; round++)
        {
            var user = Guid.NewGuid();

            var keys = await Task.WhenAll(Enumerable.Range(0, 12).Select(_ => attacked.Server.NewKeyAsync(user, ["secrets:read"])));

            foreach (var key in keys)
            {
                (await key.GetAsync("/api/v1/secrets")).MustBe(200);
                key.Dispose();
            }

            Assert.True(await attacked.KeysVerifyAfterRestartAsync(user));
        }
    }

    private async Task RevokeAsync(string prefix)
    {
        var id = await attacked.Server.ScalarAsync<Guid>("SELECT id FROM api_keys WHERE prefix = @prefix", ("prefix", prefix));
        using var @operator = attacked.Server.Operator();
        (await @operator.DeleteAsync($"/api/v1/api-keys/{id}")).MustBe(200);
    }

    /// <summary>Attacks a row of API keys while a request waits for the account of a user. The request must be refused. The row is then as before.</summary>
    private async Task MustBeRefusedIfAttackedMeanwhileAsync(Guid locked, string row, Func<string, string> attack, Func<Task<Answer>> ask)
    {
        await SaveAsync("api_keys", row);

        // With its trigger, a plain edit would wait for the account too.
        await attacked.AttackAsync("ALTER TABLE api_keys DISABLE TRIGGER USER");
        try
        {
            Task<Answer> asked;
            await using (await attacked.Server.HoldAsync(Sql.Of($"UPDATE key_accounts SET stamp = stamp WHERE user_id = '{locked}'", "SELECT 1")))
            {
                asked = ask();
                await UntilARequestWaitsForAnAccountAsync();
                await attacked.AttackAsync(attack(row));
            }

            (await asked).MustBe(409);
        }
        finally
        {
            await PutBackAsync("api_keys", row);
            await attacked.AttackAsync("ALTER TABLE api_keys ENABLE TRIGGER USER");
        }
    }

    private async Task UntilARequestWaitsForAnAccountAsync()
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (await attacked.Server.ScalarAsync<long>(Sql.Of(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%UPDATE key_accounts%'", "SELECT 1")) == 0)
        {
            await Task.Delay(20, patience.Token);
        }
    }

    /// <summary>Replaces a table with a view while requests run. The view may show each query other rows. It reads the table, whose name begins with <c>stored_</c> meanwhile.</summary>
    private async Task BehindAViewAsync(string table, string view, Func<Task> requests)
    {
        await attacked.AttackAsync($"ALTER TABLE {table} RENAME TO stored_{table}; CREATE VIEW {table} AS {view}");
        try
        {
            await requests();
        }
        finally
        {
            await attacked.AttackAsync($"DROP VIEW {table}; ALTER TABLE stored_{table} RENAME TO {table}");
        }
    }

    private Task SaveAsync(string table, string rows) => attacked.AttackAsync($"DROP TABLE IF EXISTS saved_{table}; CREATE TABLE saved_{table} AS SELECT * FROM {table} WHERE {rows}");

    /// <summary>Restores saved rows. Rows that refer to them stay.</summary>
    private async Task PutBackAsync(string table, string rows)
    {
        var columns = await attacked.Server.ScalarAsync<string>(Sql.Of(
            $"SELECT string_agg(column_name, ', ') FROM information_schema.columns WHERE table_name = 'saved_{table}'", "SELECT 'a'"));
        var key = table switch { "owners" => "t.kind = s.kind AND t.id = s.id", "key_accounts" => "t.user_id = s.user_id", _ => "t.id = s.id" };
        await attacked.AttackAsync($"UPDATE {table} t SET ({columns}) = (SELECT {columns} FROM saved_{table} s WHERE {key}) WHERE EXISTS (SELECT 1 FROM saved_{table} s WHERE {key}) AND {rows}");
        await attacked.AttackAsync($"INSERT INTO {table} SELECT * FROM saved_{table} s WHERE NOT EXISTS (SELECT 1 FROM {table} t WHERE {key})");
    }
}
