using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Secrets.Infrastructure.Persistence.SqlServer.Migrations
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
                type: "nvarchar(2048)",
                maxLength: 2048,
                nullable: false,
                defaultValue: "",
                collation: "Latin1_General_100_BIN2");

            migrationBuilder.CreateTable(
                name: "workspace_grants",
                columns: table => new
                {
                    number = table.Column<int>(type: "int", nullable: false),
                    secret_id = table.Column<byte[]>(type: "binary(16)", nullable: false),
                    workspace = table.Column<string>(type: "nvarchar(510)", maxLength: 510, nullable: false, collation: "Latin1_General_100_BIN2")
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
