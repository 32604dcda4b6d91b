namespace Secrets.Infrastructure.Persistence.Postgres;

/// <summary>
/// Triggers that increment an owner's stamp when a secret is changed or deleted outside the service, so that replicas drop their cached owner.
/// EF Core's model has no triggers. The statements belong to the migration Initial, which was released with version 0.1.0, and never change: a later migration
/// has its own.
/// </summary>
internal static class StampTriggers
{
    // Only columns that affect selecting or opening a secret. No trigger for INSERT: the service increments the stamp itself, a row inserted by hand is not
    // in its owner's account, and a trigger would cost every create as much as an index.
    public const string Create =
        """
        CREATE FUNCTION move_stamp_of_secret() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            UPDATE owners SET stamp = stamp + 1 WHERE kind = OLD.owner_kind AND id = OLD.owner_id;
            IF TG_OP = 'UPDATE' AND (NEW.owner_kind <> OLD.owner_kind OR NEW.owner_id <> OLD.owner_id) THEN
                UPDATE owners SET stamp = stamp + 1 WHERE kind = NEW.owner_kind AND id = NEW.owner_id;
            END IF;
            RETURN NULL;
        END $$;

        CREATE TRIGGER move_stamp_on_update
        AFTER UPDATE OF id, owner_kind, owner_id, name, tool_name, tool_arg, is_default_for_tool, workspace_rule, version, envelope ON secrets
        FOR EACH ROW EXECUTE FUNCTION move_stamp_of_secret();

        CREATE TRIGGER move_stamp_on_delete AFTER DELETE ON secrets
        FOR EACH ROW EXECUTE FUNCTION move_stamp_of_secret();

        CREATE FUNCTION move_stamp_of_grant() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            UPDATE owners o SET stamp = stamp + 1 FROM secrets s
            WHERE s.id IN (OLD.secret_id, NEW.secret_id) AND o.kind = s.owner_kind AND o.id = s.owner_id;
            RETURN NULL;
        END $$;

        CREATE TRIGGER move_stamp AFTER INSERT OR UPDATE OR DELETE ON workspace_grants
        FOR EACH ROW EXECUTE FUNCTION move_stamp_of_grant();

        CREATE FUNCTION move_stamp_of_key() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            UPDATE key_accounts SET stamp = stamp + 1 WHERE user_id IN (OLD.user_id, NEW.user_id);
            RETURN NULL;
        END $$;

        CREATE TRIGGER move_stamp_on_update
        AFTER UPDATE OF id, name, prefix, hash, scopes, user_id, organization_id, role, workspaces, expires_at, created_at, created_by, created_by_key, revoked_at, replaced_by ON api_keys
        FOR EACH ROW EXECUTE FUNCTION move_stamp_of_key();

        CREATE TRIGGER move_stamp_on_delete AFTER DELETE ON api_keys
        FOR EACH ROW EXECUTE FUNCTION move_stamp_of_key();
        """;

    /// <summary>Runs after the tables, and with them the triggers, are dropped.</summary>
    public const string Drop =
        """
        DROP FUNCTION move_stamp_of_key();
        DROP FUNCTION move_stamp_of_grant();
        DROP FUNCTION move_stamp_of_secret();
        """;
}
