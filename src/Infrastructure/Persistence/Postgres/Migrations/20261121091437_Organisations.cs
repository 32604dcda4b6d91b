using System;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Secrets.Infrastructure.Persistence.Postgres.Migrations
{
    /// <inheritdoc />
    public partial class Organisations : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.AddColumn<string>(
                name: "description",
                table: "secrets",
                type: "character varying(2048)",
                maxLength: 2048,
                nullable: false,
                defaultValue: "",
                collation: "C");

            migrationBuilder.CreateTable(
                name: "workspace_grants",
                columns: table => new
                {
                    number = table.Column<int>(type: "integer", nullable: false),
                    secret_id = table.Column<Guid>(type: "uuid", nullable: false),
                    workspace = table.Column<string>(type: "character varying(510)", maxLength: 510, nullable: false, collation: "C")
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_workspace_grants", x => new { x.secret_id, x.number });
                    table.ForeignKey(
                        name: "fk_workspace_grants_secret",
                        column: x => x.secret_id,
                        principalTable: "secrets",
                        principalColumn: "id",
                        onDelete: ReferentialAction.Cascade);
                });
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropTable(
                name: "workspace_grants");

            migrationBuilder.DropColumn(
                name: "description",
                table: "secrets");
        }
    }
}
