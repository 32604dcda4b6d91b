-- Makes the database and two logins: secrets_migrate changes the schema, secrets_service reads and writes rows. Run it with sqlcmd, as an administrator:
--
--   sqlcmd -b -v MIGRATE_PASSWORD=... SERVICE_PASSWORD=... -i sqlserver-logins.sql
--
-- It may run again: what exists stays, and each user is bound to the login of this instance. An availability group needs that on every instance.
-- docs/operations.md explains the rights.
IF DB_ID(N'secrets') IS NULL
    CREATE DATABASE secrets;
GO
IF SUSER_ID(N'secrets_migrate') IS NULL
    CREATE LOGIN secrets_migrate WITH PASSWORD = N'$(MIGRATE_PASSWORD)', DEFAULT_DATABASE = secrets;
IF SUSER_ID(N'secrets_service') IS NULL
    CREATE LOGIN secrets_service WITH PASSWORD = N'$(SERVICE_PASSWORD)', DEFAULT_DATABASE = secrets;
GO
USE secrets;
GO
IF USER_ID(N'secrets_migrate') IS NOT NULL
    ALTER USER secrets_migrate WITH LOGIN = secrets_migrate;
ELSE
BEGIN
    CREATE USER secrets_migrate FOR LOGIN secrets_migrate WITH DEFAULT_SCHEMA = dbo;
    ALTER ROLE db_datareader ADD MEMBER secrets_migrate;
    ALTER ROLE db_datawriter ADD MEMBER secrets_migrate;
    ALTER ROLE db_ddladmin ADD MEMBER secrets_migrate;
    GRANT ALTER ON DATABASE::secrets TO secrets_migrate;
END;
IF USER_ID(N'secrets_service') IS NOT NULL
    ALTER USER secrets_service WITH LOGIN = secrets_service;
ELSE
BEGIN
    CREATE USER secrets_service FOR LOGIN secrets_service WITH DEFAULT_SCHEMA = dbo;
    ALTER ROLE db_datareader ADD MEMBER secrets_service;
    ALTER ROLE db_datawriter ADD MEMBER secrets_service;
END;
GO
