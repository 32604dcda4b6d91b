using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Secrets.Infrastructure.Persistence.Postgres.Migrations
{
    /// <inheritdoc />
    public partial class DefaultKeys : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropIndex(
                name: "ux_secrets_default",
                table: "secrets");

            migrationBuilder.RenameColumn(
                name: "default_key",
                table: "secrets",
                newName: "tool_key");

            migrationBuilder.AddColumn<byte[]>(
                name: "arg_key",
                table: "secrets",
                type: "bytea",
                fixedLength: true,
                maxLength: 32,
                nullable: true);

            // What Secret.Place computes for what is written from now on.
            migrationBuilder.Sql(
                """
                UPDATE secrets SET tool_key = sha256(convert_to(tool_name, 'UTF8')), arg_key = sha256(convert_to(tool_arg, 'UTF8'))
                WHERE tool_key IS NOT NULL;
                """);

            migrationBuilder.CreateIndex(
                name: "ux_secrets_default",
                table: "secrets",
                columns: new[] { "owner_kind", "owner_id", "tool_key", "arg_key" },
                unique: true,
                filter: "tool_key IS NOT NULL");
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropIndex(
                name: "ux_secrets_default",
                table: "secrets");

            migrationBuilder.Sql("UPDATE secrets SET tool_key = sha256(tool_key || arg_key) WHERE tool_key IS NOT NULL;");

            migrationBuilder.DropColumn(
                name: "arg_key",
                table: "secrets");

            migrationBuilder.RenameColumn(
                name: "tool_key",
                table: "secrets",
                newName: "default_key");

            migrationBuilder.CreateIndex(
                name: "ux_secrets_default",
                table: "secrets",
                columns: new[] { "owner_kind", "owner_id", "default_key" },
                unique: true,
                filter: "default_key IS NOT NULL");
        }
    }
}
