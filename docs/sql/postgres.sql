CREATE TABLE IF NOT EXISTS migrations (
    "MigrationId" character varying(150) NOT NULL,
    "ProductVersion" character varying(32) NOT NULL,
    CONSTRAINT "PK_migrations" PRIMARY KEY ("MigrationId")
);

START TRANSACTION;

DO $EF$
BEGIN
    IF NOT EXISTS(SELECT 1 FROM migrations WHERE "MigrationId" = '20261201032826_Initial') THEN
    CREATE TABLE api_keys (
        id uuid NOT NULL,
        name character varying(510) COLLATE "C" NOT NULL,
        prefix character varying(17) COLLATE "C" NOT NULL,
        hash bytea NOT NULL,
        scopes integer NOT NULL,
        user_id uuid NOT NULL,
        organization_id character varying(510) COLLATE "C",
        role smallint,
        workspaces text[] NOT NULL,
        expires_at timestamp with time zone,
        created_at timestamp with time zone NOT NULL,
        created_by uuid NOT NULL,
        created_by_key uuid,
        last_used_at timestamp with time zone,
        revoked_at timestamp with time zone,
        replaced_by uuid,
        CONSTRAINT pk_api_keys PRIMARY KEY (id)
    );
    END IF;
END $EF$;

DO $EF$
BEGIN
    IF NOT EXISTS(SELECT 1 FROM migrations WHERE "MigrationId" = '20261201032826_Initial') THEN
    CREATE TABLE audit (
        writer uuid NOT NULL,
        sequence bigint NOT NULL,
        at timestamp with time zone NOT NULL,
        actor uuid NOT NULL,
        key_id uuid,
        token_issuer character varying(512) COLLATE "C",
        token_subject character varying(512) COLLATE "C",
        action smallint NOT NULL,
        outcome smallint NOT NULL,
        owner_kind smallint,
        owner_id character varying(255) COLLATE "C",
        owner_version bigint,
        secret_id uuid,
        secret_version integer,
        target_key_id uuid,
        target_key_user_id uuid,
        tool_name character varying(2048) COLLATE "C",
        tool_arg character varying(2048) COLLATE "C",
        address character varying(64) COLLATE "C",
        agent_id character varying(128) COLLATE "C",
        run_id character varying(128) COLLATE "C",
        tool_call_id character varying(128) COLLATE "C",
        request_id character varying(128) COLLATE "C",
        client_request_id character varying(128) COLLATE "C",
        left_out integer,
        hash bytea NOT NULL,
        CONSTRAINT pk_audit PRIMARY KEY (writer, sequence)
    );
    END IF;
END $EF$;

DO $EF$
BEGIN
    IF NOT EXISTS(SELECT 1 FROM migrations WHERE "MigrationId" = '20261201032826_Initial') THEN
    CREATE TABLE audit_keys (
        id integer NOT NULL,
        wrapped bytea NOT NULL,
        writers bigint NOT NULL,
        mac bytea NOT NULL,
        CONSTRAINT pk_audit_keys PRIMARY KEY (id)
    );
    END IF;
END $EF$;

DO $EF$
BEGIN
    IF NOT EXISTS(SELECT 1 FROM migrations WHERE "MigrationId" = '20261201032826_Initial') THEN
    CREATE TABLE audit_writers (
        id uuid NOT NULL,
        number bigint NOT NULL,
        sequence bigint NOT NULL,
        hash bytea NOT NULL,
        head_mac bytea NOT NULL,
        anchor_sequence bigint NOT NULL,
        anchor_hash bytea NOT NULL,
        anchor_mac bytea NOT NULL,
        CONSTRAINT pk_audit_writers PRIMARY KEY (id)
    );
    END IF;
END $EF$;

DO $EF$
BEGIN
    IF NOT EXISTS(SELECT 1 FROM migrations WHERE "MigrationId" = '20261201032826_Initial') THEN
    CREATE TABLE integrity_keys (
        number integer NOT NULL,
        wrapped bytea NOT NULL,
        CONSTRAINT pk_integrity_keys PRIMARY KEY (number)
    );
    END IF;
END $EF$;

DO $EF$
BEGIN
    IF NOT EXISTS(SELECT 1 FROM migrations WHERE "MigrationId" = '20261201032826_Initial') THEN
    CREATE TABLE key_accounts (
        user_id uuid NOT NULL,
        version bigint NOT NULL,
        keys integer NOT NULL,
        stamp bigint NOT NULL,
        account bytea NOT NULL,
        CONSTRAINT pk_key_accounts PRIMARY KEY (user_id)
    );
    END IF;
END $EF$;

DO $EF$
BEGIN
    IF NOT EXISTS(SELECT 1 FROM migrations WHERE "MigrationId" = '20261201032826_Initial') THEN
    CREATE TABLE key_ring (
        name character varying(200) COLLATE "C" NOT NULL,
        xml text COLLATE "C" NOT NULL,
        tag bytea NOT NULL,
        CONSTRAINT pk_key_ring PRIMARY KEY (name)
    );
    END IF;
END $EF$;

DO $EF$
BEGIN
    IF NOT EXISTS(SELECT 1 FROM migrations WHERE "MigrationId" = '20261201032826_Initial') THEN
    CREATE TABLE key_rotations (
        layer smallint NOT NULL,
        requested_at timestamp with time zone NOT NULL,
        finished_at timestamp with time zone,
        CONSTRAINT pk_key_rotations PRIMARY KEY (layer)
    );
    END IF;
END $EF$;

DO $EF$
BEGIN
    IF NOT EXISTS(SELECT 1 FROM migrations WHERE "MigrationId" = '20261201032826_Initial') THEN
    CREATE TABLE key_state (
        id integer NOT NULL,
        revision bigint NOT NULL,
        user_issuer text COLLATE "C",
        tag bytea NOT NULL,
        CONSTRAINT pk_key_state PRIMARY KEY (id)
    );
    END IF;
END $EF$;

DO $EF$
BEGIN
    IF NOT EXISTS(SELECT 1 FROM migrations WHERE "MigrationId" = '20261201032826_Initial') THEN
    CREATE TABLE owners (
        kind smallint NOT NULL,
        id character varying(255) COLLATE "C" NOT NULL,
        bytes_used bigint NOT NULL,
        secrets integer NOT NULL,
        version bigint NOT NULL,
        account bytea NOT NULL,
        stamp bigint NOT NULL,
        CONSTRAINT pk_owners PRIMARY KEY (kind, id)
    );
    END IF;
END $EF$;

DO $EF$
BEGIN
    IF NOT EXISTS(SELECT 1 FROM migrations WHERE "MigrationId" = '20261201032826_Initial') THEN
    CREATE TABLE root_keys (
        id integer NOT NULL,
        fingerprint character varying(16) COLLATE "C" NOT NULL,
        canary bytea NOT NULL,
        probed_at timestamp with time zone NOT NULL,
        CONSTRAINT pk_root_keys PRIMARY KEY (id)
    );
    END IF;
END $EF$;

DO $EF$
BEGIN
    IF NOT EXISTS(SELECT 1 FROM migrations WHERE "MigrationId" = '20261201032826_Initial') THEN
    CREATE TABLE data_keys (
        id uuid NOT NULL,
        owner_kind smallint NOT NULL,
        owner_id character varying(255) COLLATE "C" NOT NULL,
        wrapped bytea NOT NULL,
        created_at timestamp with time zone NOT NULL,
        retired_at timestamp with time zone,
        CONSTRAINT pk_data_keys PRIMARY KEY (id),
        CONSTRAINT fk_data_keys_owner FOREIGN KEY (owner_kind, owner_id) REFERENCES owners (kind, id) ON DELETE RESTRICT
    );
    END IF;
END $EF$;

DO $EF$
BEGIN
    IF NOT EXISTS(SELECT 1 FROM migrations WHERE "MigrationId" = '20261201032826_Initial') THEN
    CREATE TABLE secrets (
        id uuid NOT NULL,
        owner_kind smallint NOT NULL,
        owner_id character varying(255) COLLATE "C" NOT NULL,
        name character varying(2048) COLLATE "C" NOT NULL,
        description character varying(2048) COLLATE "C" NOT NULL DEFAULT '',
        name_key bytea NOT NULL,
        tool_name character varying(2048) COLLATE "C",
        tool_arg character varying(2048) COLLATE "C",
        is_default_for_tool boolean NOT NULL,
        tool_key bytea,
        arg_key bytea,
        pattern_arg_key bytea,
        workspace_rule smallint NOT NULL,
        envelope bytea NOT NULL,
        display character varying(19) COLLATE "C" NOT NULL,
        size integer NOT NULL,
        version integer NOT NULL,
        created_at timestamp with time zone NOT NULL,
        created_by uuid NOT NULL,
        updated_at timestamp with time zone NOT NULL,
        updated_by uuid NOT NULL,
        CONSTRAINT pk_secrets PRIMARY KEY (id),
        CONSTRAINT fk_secrets_owner FOREIGN KEY (owner_kind, owner_id) REFERENCES owners (kind, id) ON DELETE RESTRICT
    );
    END IF;
END $EF$;

DO $EF$
BEGIN
    IF NOT EXISTS(SELECT 1 FROM migrations WHERE "MigrationId" = '20261201032826_Initial') THEN
    CREATE TABLE secret_uses (
        secret_id uuid NOT NULL,
        count bigint NOT NULL,
        last_at timestamp with time zone NOT NULL,
        CONSTRAINT pk_secret_uses PRIMARY KEY (secret_id),
        CONSTRAINT fk_secret_uses_secret FOREIGN KEY (secret_id) REFERENCES secrets (id) ON DELETE CASCADE
    );
    END IF;
END $EF$;

DO $EF$
BEGIN
    IF NOT EXISTS(SELECT 1 FROM migrations WHERE "MigrationId" = '20261201032826_Initial') THEN
    CREATE TABLE workspace_grants (
        number integer NOT NULL,
        secret_id uuid NOT NULL,
        workspace character varying(510) COLLATE "C" NOT NULL,
        CONSTRAINT pk_workspace_grants PRIMARY KEY (secret_id, number),
        CONSTRAINT fk_workspace_grants_secret FOREIGN KEY (secret_id) REFERENCES secrets (id) ON DELETE CASCADE
    );
    END IF;
END $EF$;

DO $EF$
BEGIN
    IF NOT EXISTS(SELECT 1 FROM migrations WHERE "MigrationId" = '20261201032826_Initial') THEN
    CREATE INDEX ix_api_keys_created_by_key ON api_keys (created_by_key);
    END IF;
END $EF$;

DO $EF$
BEGIN
    IF NOT EXISTS(SELECT 1 FROM migrations WHERE "MigrationId" = '20261201032826_Initial') THEN
    CREATE INDEX ix_api_keys_listing ON api_keys (created_at, id);
    END IF;
END $EF$;

DO $EF$
BEGIN
    IF NOT EXISTS(SELECT 1 FROM migrations WHERE "MigrationId" = '20261201032826_Initial') THEN
    CREATE INDEX ix_api_keys_organization ON api_keys (organization_id);
    END IF;
END $EF$;

DO $EF$
BEGIN
    IF NOT EXISTS(SELECT 1 FROM migrations WHERE "MigrationId" = '20261201032826_Initial') THEN
    CREATE INDEX ix_api_keys_replaced_by ON api_keys (replaced_by);
    END IF;
END $EF$;

DO $EF$
BEGIN
    IF NOT EXISTS(SELECT 1 FROM migrations WHERE "MigrationId" = '20261201032826_Initial') THEN
    CREATE INDEX ix_api_keys_user ON api_keys (user_id);
    END IF;
END $EF$;

DO $EF$
BEGIN
    IF NOT EXISTS(SELECT 1 FROM migrations WHERE "MigrationId" = '20261201032826_Initial') THEN
    CREATE UNIQUE INDEX ux_api_keys_prefix ON api_keys (prefix);
    END IF;
END $EF$;

DO $EF$
BEGIN
    IF NOT EXISTS(SELECT 1 FROM migrations WHERE "MigrationId" = '20261201032826_Initial') THEN
    CREATE INDEX ix_audit_actor ON audit (actor, at);
    END IF;
END $EF$;

DO $EF$
BEGIN
    IF NOT EXISTS(SELECT 1 FROM migrations WHERE "MigrationId" = '20261201032826_Initial') THEN
    CREATE INDEX ix_audit_at ON audit (at);
    END IF;
END $EF$;

DO $EF$
BEGIN
    IF NOT EXISTS(SELECT 1 FROM migrations WHERE "MigrationId" = '20261201032826_Initial') THEN
    CREATE INDEX ix_audit_key_version ON audit (target_key_user_id, owner_version) WHERE owner_version IS NOT NULL AND target_key_user_id IS NOT NULL;
    END IF;
END $EF$;

DO $EF$
BEGIN
    IF NOT EXISTS(SELECT 1 FROM migrations WHERE "MigrationId" = '20261201032826_Initial') THEN
    CREATE INDEX ix_audit_owner ON audit (owner_id, at);
    END IF;
END $EF$;

DO $EF$
BEGIN
    IF NOT EXISTS(SELECT 1 FROM migrations WHERE "MigrationId" = '20261201032826_Initial') THEN
    CREATE INDEX ix_audit_owner_version ON audit (owner_id, owner_version) WHERE owner_version IS NOT NULL AND target_key_user_id IS NULL;
    END IF;
END $EF$;

DO $EF$
BEGIN
    IF NOT EXISTS(SELECT 1 FROM migrations WHERE "MigrationId" = '20261201032826_Initial') THEN
    CREATE INDEX ix_data_keys_owner ON data_keys (owner_kind, owner_id);
    END IF;
END $EF$;

DO $EF$
BEGIN
    IF NOT EXISTS(SELECT 1 FROM migrations WHERE "MigrationId" = '20261201032826_Initial') THEN
    CREATE UNIQUE INDEX ux_data_keys_current ON data_keys (owner_kind, owner_id) WHERE retired_at IS NULL;
    END IF;
END $EF$;

DO $EF$
BEGIN
    IF NOT EXISTS(SELECT 1 FROM migrations WHERE "MigrationId" = '20261201032826_Initial') THEN
    CREATE INDEX ix_secrets_listing ON secrets (owner_kind, owner_id, created_at, id);
    END IF;
END $EF$;

DO $EF$
BEGIN
    IF NOT EXISTS(SELECT 1 FROM migrations WHERE "MigrationId" = '20261201032826_Initial') THEN
    CREATE INDEX ix_secrets_pattern_arg ON secrets (owner_kind, owner_id, pattern_arg_key) WHERE pattern_arg_key IS NOT NULL;
    END IF;
END $EF$;

DO $EF$
BEGIN
    IF NOT EXISTS(SELECT 1 FROM migrations WHERE "MigrationId" = '20261201032826_Initial') THEN
    CREATE UNIQUE INDEX ux_secrets_default ON secrets (owner_kind, owner_id, tool_key, arg_key) WHERE tool_key IS NOT NULL;
    END IF;
END $EF$;

DO $EF$
BEGIN
    IF NOT EXISTS(SELECT 1 FROM migrations WHERE "MigrationId" = '20261201032826_Initial') THEN
    CREATE UNIQUE INDEX ux_secrets_name ON secrets (owner_kind, owner_id, name_key);
    END IF;
END $EF$;

DO $EF$
BEGIN
    IF NOT EXISTS(SELECT 1 FROM migrations WHERE "MigrationId" = '20261201032826_Initial') THEN
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
    END IF;
END $EF$;

DO $EF$
BEGIN
    IF NOT EXISTS(SELECT 1 FROM migrations WHERE "MigrationId" = '20261201032826_Initial') THEN
    INSERT INTO migrations ("MigrationId", "ProductVersion")
    VALUES ('20261201032826_Initial', '10.0.15');
    END IF;
END $EF$;
COMMIT;

