SET XACT_ABORT ON;
SET QUOTED_IDENTIFIER ON;
GO

IF OBJECT_ID(N'[migrations]') IS NULL
BEGIN
    CREATE TABLE [migrations] (
        [MigrationId] nvarchar(150) NOT NULL,
        [ProductVersion] nvarchar(32) NOT NULL,
        CONSTRAINT [PK_migrations] PRIMARY KEY ([MigrationId])
    );
END;
GO

BEGIN TRANSACTION;
IF NOT EXISTS (
    SELECT * FROM [migrations]
    WHERE [MigrationId] = N'20261201032846_Initial'
)
BEGIN
    CREATE TABLE [api_keys] (
        [id] binary(16) NOT NULL,
        [name] nvarchar(510) COLLATE Latin1_General_100_BIN2 NOT NULL,
        [prefix] varbinary(68) NOT NULL,
        [hash] binary(32) NOT NULL,
        [scopes] int NOT NULL,
        [user_id] binary(16) NOT NULL,
        [organization_id] varbinary(1020) NULL,
        [role] tinyint NULL,
        [workspaces] nvarchar(max) NOT NULL,
        [expires_at] datetimeoffset(6) NULL,
        [created_at] datetimeoffset(6) NOT NULL,
        [created_by] binary(16) NOT NULL,
        [created_by_key] binary(16) NULL,
        [last_used_at] datetimeoffset(6) NULL,
        [revoked_at] datetimeoffset(6) NULL,
        [replaced_by] binary(16) NULL,
        CONSTRAINT [pk_api_keys] PRIMARY KEY ([id])
    );
END;

IF NOT EXISTS (
    SELECT * FROM [migrations]
    WHERE [MigrationId] = N'20261201032846_Initial'
)
BEGIN
    CREATE TABLE [audit] (
        [writer] binary(16) NOT NULL,
        [sequence] bigint NOT NULL,
        [at] datetimeoffset(6) NOT NULL,
        [actor] binary(16) NOT NULL,
        [key_id] binary(16) NULL,
        [token_issuer] nvarchar(512) COLLATE Latin1_General_100_BIN2 NULL,
        [token_subject] nvarchar(512) COLLATE Latin1_General_100_BIN2 NULL,
        [action] smallint NOT NULL,
        [outcome] smallint NOT NULL,
        [owner_kind] smallint NULL,
        [owner_id] nvarchar(510) COLLATE Latin1_General_100_BIN2 NULL,
        [owner_key] AS CAST(HASHBYTES('SHA2_256', [owner_id]) AS binary(32)) PERSISTED,
        [owner_version] bigint NULL,
        [secret_id] binary(16) NULL,
        [secret_version] int NULL,
        [target_key_id] binary(16) NULL,
        [target_key_user_id] binary(16) NULL,
        [tool_name] nvarchar(2048) COLLATE Latin1_General_100_BIN2 NULL,
        [tool_arg] nvarchar(2048) COLLATE Latin1_General_100_BIN2 NULL,
        [address] nvarchar(64) COLLATE Latin1_General_100_BIN2 NULL,
        [agent_id] nvarchar(128) COLLATE Latin1_General_100_BIN2 NULL,
        [run_id] nvarchar(128) COLLATE Latin1_General_100_BIN2 NULL,
        [tool_call_id] nvarchar(128) COLLATE Latin1_General_100_BIN2 NULL,
        [request_id] nvarchar(128) COLLATE Latin1_General_100_BIN2 NULL,
        [client_request_id] nvarchar(128) COLLATE Latin1_General_100_BIN2 NULL,
        [left_out] int NULL,
        [hash] binary(32) NOT NULL,
        CONSTRAINT [pk_audit] PRIMARY KEY ([writer], [sequence])
    );
END;

IF NOT EXISTS (
    SELECT * FROM [migrations]
    WHERE [MigrationId] = N'20261201032846_Initial'
)
BEGIN
    CREATE TABLE [audit_keys] (
        [id] int NOT NULL,
        [wrapped] varbinary(max) NOT NULL,
        [writers] bigint NOT NULL,
        [mac] binary(32) NOT NULL,
        CONSTRAINT [pk_audit_keys] PRIMARY KEY ([id])
    );
END;

IF NOT EXISTS (
    SELECT * FROM [migrations]
    WHERE [MigrationId] = N'20261201032846_Initial'
)
BEGIN
    CREATE TABLE [audit_writers] (
        [id] binary(16) NOT NULL,
        [number] bigint NOT NULL,
        [sequence] bigint NOT NULL,
        [hash] binary(32) NOT NULL,
        [head_mac] binary(32) NOT NULL,
        [anchor_sequence] bigint NOT NULL,
        [anchor_hash] binary(32) NOT NULL,
        [anchor_mac] binary(32) NOT NULL,
        CONSTRAINT [pk_audit_writers] PRIMARY KEY ([id])
    );
END;

IF NOT EXISTS (
    SELECT * FROM [migrations]
    WHERE [MigrationId] = N'20261201032846_Initial'
)
BEGIN
    CREATE TABLE [integrity_keys] (
        [number] int NOT NULL,
        [wrapped] varbinary(max) NOT NULL,
        CONSTRAINT [pk_integrity_keys] PRIMARY KEY ([number])
    );
END;

IF NOT EXISTS (
    SELECT * FROM [migrations]
    WHERE [MigrationId] = N'20261201032846_Initial'
)
BEGIN
    CREATE TABLE [key_accounts] (
        [user_id] binary(16) NOT NULL,
        [version] bigint NOT NULL,
        [keys] int NOT NULL,
        [stamp] bigint NOT NULL,
        [account] binary(79) NOT NULL,
        CONSTRAINT [pk_key_accounts] PRIMARY KEY ([user_id])
    );
END;

IF NOT EXISTS (
    SELECT * FROM [migrations]
    WHERE [MigrationId] = N'20261201032846_Initial'
)
BEGIN
    CREATE TABLE [key_ring] (
        [name] varbinary(800) NOT NULL,
        [xml] nvarchar(max) COLLATE Latin1_General_100_BIN2 NOT NULL,
        [tag] binary(35) NOT NULL,
        CONSTRAINT [pk_key_ring] PRIMARY KEY ([name])
    );
END;

IF NOT EXISTS (
    SELECT * FROM [migrations]
    WHERE [MigrationId] = N'20261201032846_Initial'
)
BEGIN
    CREATE TABLE [key_rotations] (
        [layer] smallint NOT NULL,
        [requested_at] datetimeoffset(6) NOT NULL,
        [finished_at] datetimeoffset(6) NULL,
        CONSTRAINT [pk_key_rotations] PRIMARY KEY ([layer])
    );
END;

IF NOT EXISTS (
    SELECT * FROM [migrations]
    WHERE [MigrationId] = N'20261201032846_Initial'
)
BEGIN
    CREATE TABLE [key_state] (
        [id] int NOT NULL,
        [revision] bigint NOT NULL,
        [user_issuer] nvarchar(max) COLLATE Latin1_General_100_BIN2 NULL,
        [tag] binary(35) NOT NULL,
        CONSTRAINT [pk_key_state] PRIMARY KEY ([id])
    );
END;

IF NOT EXISTS (
    SELECT * FROM [migrations]
    WHERE [MigrationId] = N'20261201032846_Initial'
)
BEGIN
    CREATE TABLE [owners] (
        [kind] tinyint NOT NULL,
        [id] nvarchar(510) COLLATE Latin1_General_100_BIN2 NOT NULL,
        [id_key] AS CAST(HASHBYTES('SHA2_256', [id]) AS binary(32)) PERSISTED NOT NULL,
        [bytes_used] bigint NOT NULL,
        [secrets] int NOT NULL,
        [version] bigint NOT NULL,
        [account] binary(79) NOT NULL,
        [stamp] bigint NOT NULL,
        CONSTRAINT [pk_owners] PRIMARY KEY ([kind], [id_key])
    );
END;

IF NOT EXISTS (
    SELECT * FROM [migrations]
    WHERE [MigrationId] = N'20261201032846_Initial'
)
BEGIN
    CREATE TABLE [root_keys] (
        [id] int NOT NULL,
        [fingerprint] nvarchar(16) COLLATE Latin1_General_100_BIN2 NOT NULL,
        [canary] varbinary(max) NOT NULL,
        [probed_at] datetimeoffset(6) NOT NULL,
        CONSTRAINT [pk_root_keys] PRIMARY KEY ([id])
    );
END;

IF NOT EXISTS (
    SELECT * FROM [migrations]
    WHERE [MigrationId] = N'20261201032846_Initial'
)
BEGIN
    CREATE TABLE [data_keys] (
        [id] binary(16) NOT NULL,
        [owner_kind] tinyint NOT NULL,
        [owner_id] nvarchar(510) COLLATE Latin1_General_100_BIN2 NOT NULL,
        [owner_key] AS CAST(HASHBYTES('SHA2_256', [owner_id]) AS binary(32)) PERSISTED NOT NULL,
        [wrapped] varbinary(max) NOT NULL,
        [created_at] datetimeoffset(6) NOT NULL,
        [retired_at] datetimeoffset(6) NULL,
        CONSTRAINT [pk_data_keys] PRIMARY KEY ([id]),
        CONSTRAINT [fk_data_keys_owner] FOREIGN KEY ([owner_kind], [owner_key]) REFERENCES [owners] ([kind], [id_key]) ON DELETE NO ACTION
    );
END;

IF NOT EXISTS (
    SELECT * FROM [migrations]
    WHERE [MigrationId] = N'20261201032846_Initial'
)
BEGIN
    CREATE TABLE [secrets] (
        [id] binary(16) NOT NULL,
        [owner_kind] tinyint NOT NULL,
        [owner_id] nvarchar(510) COLLATE Latin1_General_100_BIN2 NOT NULL,
        [owner_key] AS CAST(HASHBYTES('SHA2_256', [owner_id]) AS binary(32)) PERSISTED NOT NULL,
        [name] nvarchar(2048) COLLATE Latin1_General_100_BIN2 NOT NULL,
        [description] nvarchar(2048) COLLATE Latin1_General_100_BIN2 NOT NULL DEFAULT N'',
        [name_key] binary(32) NOT NULL,
        [tool_name] nvarchar(2048) COLLATE Latin1_General_100_BIN2 NULL,
        [tool_arg] nvarchar(2048) COLLATE Latin1_General_100_BIN2 NULL,
        [is_default_for_tool] bit NOT NULL,
        [tool_key] binary(32) NULL,
        [arg_key] binary(32) NULL,
        [pattern_arg_key] binary(32) NULL,
        [workspace_rule] tinyint NOT NULL,
        [envelope] varbinary(max) NOT NULL,
        [display] nvarchar(19) COLLATE Latin1_General_100_BIN2 NOT NULL,
        [size] int NOT NULL,
        [version] int NOT NULL,
        [created_at] datetimeoffset(6) NOT NULL,
        [created_by] binary(16) NOT NULL,
        [updated_at] datetimeoffset(6) NOT NULL,
        [updated_by] binary(16) NOT NULL,
        CONSTRAINT [pk_secrets] PRIMARY KEY ([id]),
        CONSTRAINT [fk_secrets_owner] FOREIGN KEY ([owner_kind], [owner_key]) REFERENCES [owners] ([kind], [id_key]) ON DELETE NO ACTION
    );
END;

IF NOT EXISTS (
    SELECT * FROM [migrations]
    WHERE [MigrationId] = N'20261201032846_Initial'
)
BEGIN
    CREATE TABLE [secret_uses] (
        [secret_id] binary(16) NOT NULL,
        [count] bigint NOT NULL,
        [last_at] datetimeoffset(6) NOT NULL,
        CONSTRAINT [pk_secret_uses] PRIMARY KEY ([secret_id]),
        CONSTRAINT [fk_secret_uses_secret] FOREIGN KEY ([secret_id]) REFERENCES [secrets] ([id]) ON DELETE CASCADE
    );
END;

IF NOT EXISTS (
    SELECT * FROM [migrations]
    WHERE [MigrationId] = N'20261201032846_Initial'
)
BEGIN
    CREATE TABLE [workspace_grants] (
        [number] int NOT NULL,
        [secret_id] binary(16) NOT NULL,
        [workspace] varbinary(1020) NOT NULL,
        CONSTRAINT [pk_workspace_grants] PRIMARY KEY ([secret_id], [number]),
        CONSTRAINT [fk_workspace_grants_secret] FOREIGN KEY ([secret_id]) REFERENCES [secrets] ([id]) ON DELETE CASCADE
    );
END;

IF NOT EXISTS (
    SELECT * FROM [migrations]
    WHERE [MigrationId] = N'20261201032846_Initial'
)
BEGIN
    CREATE INDEX [ix_api_keys_created_by_key] ON [api_keys] ([created_by_key]);
END;

IF NOT EXISTS (
    SELECT * FROM [migrations]
    WHERE [MigrationId] = N'20261201032846_Initial'
)
BEGIN
    CREATE INDEX [ix_api_keys_listing] ON [api_keys] ([created_at], [id]);
END;

IF NOT EXISTS (
    SELECT * FROM [migrations]
    WHERE [MigrationId] = N'20261201032846_Initial'
)
BEGIN
    CREATE INDEX [ix_api_keys_organization] ON [api_keys] ([organization_id]);
END;

IF NOT EXISTS (
    SELECT * FROM [migrations]
    WHERE [MigrationId] = N'20261201032846_Initial'
)
BEGIN
    CREATE INDEX [ix_api_keys_replaced_by] ON [api_keys] ([replaced_by]);
END;

IF NOT EXISTS (
    SELECT * FROM [migrations]
    WHERE [MigrationId] = N'20261201032846_Initial'
)
BEGIN
    CREATE INDEX [ix_api_keys_user] ON [api_keys] ([user_id]);
END;

IF NOT EXISTS (
    SELECT * FROM [migrations]
    WHERE [MigrationId] = N'20261201032846_Initial'
)
BEGIN
    CREATE UNIQUE INDEX [ux_api_keys_prefix] ON [api_keys] ([prefix]);
END;

IF NOT EXISTS (
    SELECT * FROM [migrations]
    WHERE [MigrationId] = N'20261201032846_Initial'
)
BEGIN
    CREATE INDEX [ix_audit_actor] ON [audit] ([actor], [at]);
END;

IF NOT EXISTS (
    SELECT * FROM [migrations]
    WHERE [MigrationId] = N'20261201032846_Initial'
)
BEGIN
    CREATE INDEX [ix_audit_at] ON [audit] ([at]);
END;

IF NOT EXISTS (
    SELECT * FROM [migrations]
    WHERE [MigrationId] = N'20261201032846_Initial'
)
BEGIN
    EXEC(N'CREATE INDEX [ix_audit_key_version] ON [audit] ([target_key_user_id], [owner_version]) WHERE owner_version IS NOT NULL AND target_key_user_id IS NOT NULL');
END;

IF NOT EXISTS (
    SELECT * FROM [migrations]
    WHERE [MigrationId] = N'20261201032846_Initial'
)
BEGIN
    CREATE INDEX [ix_audit_owner] ON [audit] ([owner_key], [at]);
END;

IF NOT EXISTS (
    SELECT * FROM [migrations]
    WHERE [MigrationId] = N'20261201032846_Initial'
)
BEGIN
    EXEC(N'CREATE INDEX [ix_audit_owner_version] ON [audit] ([owner_key], [owner_version]) WHERE owner_version IS NOT NULL AND target_key_user_id IS NULL');
END;

IF NOT EXISTS (
    SELECT * FROM [migrations]
    WHERE [MigrationId] = N'20261201032846_Initial'
)
BEGIN
    CREATE INDEX [ix_data_keys_owner] ON [data_keys] ([owner_kind], [owner_key]);
END;

IF NOT EXISTS (
    SELECT * FROM [migrations]
    WHERE [MigrationId] = N'20261201032846_Initial'
)
BEGIN
    EXEC(N'CREATE UNIQUE INDEX [ux_data_keys_current] ON [data_keys] ([owner_kind], [owner_key]) WHERE retired_at IS NULL');
END;

IF NOT EXISTS (
    SELECT * FROM [migrations]
    WHERE [MigrationId] = N'20261201032846_Initial'
)
BEGIN
    CREATE INDEX [ix_secrets_listing] ON [secrets] ([owner_kind], [owner_key], [created_at], [id]);
END;

IF NOT EXISTS (
    SELECT * FROM [migrations]
    WHERE [MigrationId] = N'20261201032846_Initial'
)
BEGIN
    EXEC(N'CREATE INDEX [ix_secrets_pattern_arg] ON [secrets] ([owner_kind], [owner_key], [pattern_arg_key]) WHERE pattern_arg_key IS NOT NULL');
END;

IF NOT EXISTS (
    SELECT * FROM [migrations]
    WHERE [MigrationId] = N'20261201032846_Initial'
)
BEGIN
    EXEC(N'CREATE UNIQUE INDEX [ux_secrets_default] ON [secrets] ([owner_kind], [owner_key], [tool_key], [arg_key]) WHERE tool_key IS NOT NULL');
END;

IF NOT EXISTS (
    SELECT * FROM [migrations]
    WHERE [MigrationId] = N'20261201032846_Initial'
)
BEGIN
    CREATE UNIQUE INDEX [ux_secrets_name] ON [secrets] ([owner_kind], [owner_key], [name_key]);
END;

IF NOT EXISTS (
    SELECT * FROM [migrations]
    WHERE [MigrationId] = N'20261201032846_Initial'
)
BEGIN
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
END;

IF NOT EXISTS (
    SELECT * FROM [migrations]
    WHERE [MigrationId] = N'20261201032846_Initial'
)
BEGIN
    INSERT INTO [migrations] ([MigrationId], [ProductVersion])
    VALUES (N'20261201032846_Initial', N'10.0.15');
END;

COMMIT;
GO

