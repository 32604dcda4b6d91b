using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Secrets.Infrastructure.Persistence.Postgres.Migrations
{
    /// <inheritdoc />
    public partial class MoveStamps : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            // Who changes or deletes a secret past the service moves its owner's stamp as well, so that what is remembered of the owner is outdated. Only what a
            // secret is selected and opened by counts. A row that somebody inserts does not open; the service moves the stamp itself when it inserts one, and
            // to do so here too would cost each create as much as an index.
            migrationBuilder.Sql(
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
                """);
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.Sql(
                """
                DROP TRIGGER move_stamp ON workspace_grants;
                DROP TRIGGER move_stamp_on_delete ON secrets;
                DROP TRIGGER move_stamp_on_update ON secrets;
                DROP FUNCTION move_stamp_of_grant();
                DROP FUNCTION move_stamp_of_secret();
                """);
        }
    }
}
