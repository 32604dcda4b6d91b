-- Makes the database and two roles: secrets_migrate changes the schema, secrets_service reads and writes rows. Run it once, as a superuser:
--
--   psql -v ON_ERROR_STOP=1 -v migrate_password=... -v service_password=... -f postgres-roles.sql
--
-- docs/postgresql.md explains the rights.
SET password_encryption = 'scram-sha-256';
CREATE ROLE secrets_migrate LOGIN PASSWORD :'migrate_password';
CREATE ROLE secrets_service LOGIN PASSWORD :'service_password';
CREATE DATABASE secrets TEMPLATE template0 ENCODING 'UTF8';
REVOKE ALL ON DATABASE secrets FROM PUBLIC;
GRANT CONNECT ON DATABASE secrets TO secrets_migrate, secrets_service;

\connect secrets
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE, CREATE ON SCHEMA public TO secrets_migrate;
GRANT USAGE ON SCHEMA public TO secrets_service;

-- Also for tables that a later migration makes.
ALTER DEFAULT PRIVILEGES FOR ROLE secrets_migrate IN SCHEMA public
    GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO secrets_service;
