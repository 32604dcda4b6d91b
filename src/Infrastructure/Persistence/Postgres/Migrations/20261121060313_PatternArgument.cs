using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Secrets.Infrastructure.Persistence.Postgres.Migrations
{
    /// <inheritdoc />
    public partial class PatternArgument : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.AddColumn<byte[]>(
                name: "pattern_arg_key",
                table: "secrets",
                type: "bytea",
                fixedLength: true,
                maxLength: 32,
                nullable: true);

            // What Secret.Place computes for what is written from now on.
            migrationBuilder.Sql(
                """
                UPDATE secrets SET pattern_arg_key = sha256(convert_to(tool_arg, 'UTF8'))
                WHERE default_key IS NOT NULL AND strpos(tool_name, '*') > 0;
                """);

            migrationBuilder.CreateIndex(
                name: "ix_secrets_pattern_arg",
                table: "secrets",
                columns: new[] { "owner_kind", "owner_id", "pattern_arg_key" },
                filter: "pattern_arg_key IS NOT NULL");
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropIndex(
                name: "ix_secrets_pattern_arg",
                table: "secrets");

            migrationBuilder.DropColumn(
                name: "pattern_arg_key",
                table: "secrets");
        }
    }
}
