namespace Secrets.Infrastructure.Persistence.SqlServer;

/// <summary>
/// Triggers that increment an owner's stamp when a secret is changed or deleted outside the service, so that replicas drop their cached owner. Added to the
/// migration as on PostgreSQL. Each CREATE TRIGGER must be a batch of its own, so it is executed as text.
/// </summary>
internal static class StampTriggers
{
    // Only columns that affect selecting or opening a secret. No trigger for INSERT, as on PostgreSQL.
    public const string Create =
        """
        EXEC(N'CREATE TRIGGER move_stamp_on_secret_update ON secrets AFTER UPDATE AS
        IF UPDATE(id) OR UPDATE(owner_kind) OR UPDATE(owner_id) OR UPDATE(name) OR UPDATE(tool_name) OR UPDATE(tool_arg) OR UPDATE(is_default_for_tool)
            OR UPDATE(workspace_rule) OR UPDATE(version) OR UPDATE(envelope)
        BEGIN
            SET NOCOUNT ON;
            UPDATE o SET stamp = o.stamp + 1
            FROM (SELECT owner_kind, owner_key FROM deleted UNION SELECT owner_kind, owner_key FROM inserted) AS c
            INNER JOIN owners AS o WITH (INDEX(pk_owners)) ON o.kind = c.owner_kind AND o.id_key = c.owner_key
            OPTION (LOOP JOIN, FORCE ORDER);
        END');

        EXEC(N'CREATE TRIGGER move_stamp_on_secret_delete ON secrets AFTER DELETE AS
        BEGIN
            SET NOCOUNT ON;
            UPDATE o SET stamp = o.stamp + 1
            FROM (SELECT DISTINCT owner_kind, owner_key FROM deleted) AS c
            INNER JOIN owners AS o WITH (INDEX(pk_owners)) ON o.kind = c.owner_kind AND o.id_key = c.owner_key
            OPTION (LOOP JOIN, FORCE ORDER);
        END');

        EXEC(N'CREATE TRIGGER move_stamp_on_grant ON workspace_grants AFTER INSERT, UPDATE, DELETE AS
        BEGIN
            SET NOCOUNT ON;
            UPDATE o SET stamp = o.stamp + 1
            FROM (
                SELECT s.owner_kind, s.owner_key FROM (SELECT secret_id FROM deleted UNION SELECT secret_id FROM inserted) AS g
                INNER JOIN secrets AS s ON s.id = g.secret_id
                GROUP BY s.owner_kind, s.owner_key) AS c
            INNER JOIN owners AS o WITH (INDEX(pk_owners)) ON o.kind = c.owner_kind AND o.id_key = c.owner_key
            OPTION (LOOP JOIN, FORCE ORDER);
        END');

        EXEC(N'CREATE TRIGGER move_stamp_on_key_update ON api_keys AFTER UPDATE AS
        IF UPDATE(id) OR UPDATE(name) OR UPDATE(prefix) OR UPDATE(hash) OR UPDATE(scopes) OR UPDATE(user_id) OR UPDATE(organization_id) OR UPDATE(role)
            OR UPDATE(workspaces) OR UPDATE(expires_at) OR UPDATE(created_at) OR UPDATE(created_by) OR UPDATE(created_by_key) OR UPDATE(revoked_at) OR UPDATE(replaced_by)
        BEGIN
            SET NOCOUNT ON;
            UPDATE a SET stamp = a.stamp + 1
            FROM (SELECT user_id FROM deleted UNION SELECT user_id FROM inserted) AS c
            INNER JOIN key_accounts AS a WITH (INDEX(pk_key_accounts)) ON a.user_id = c.user_id
            OPTION (LOOP JOIN, FORCE ORDER);
        END');

        EXEC(N'CREATE TRIGGER move_stamp_on_key_delete ON api_keys AFTER DELETE AS
        BEGIN
            SET NOCOUNT ON;
            UPDATE a SET stamp = a.stamp + 1
            FROM (SELECT DISTINCT user_id FROM deleted) AS c
            INNER JOIN key_accounts AS a WITH (INDEX(pk_key_accounts)) ON a.user_id = c.user_id
            OPTION (LOOP JOIN, FORCE ORDER);
        END');
        """;
}
