using System;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Secrets.Infrastructure.Persistence.SqlServer.Migrations
{
    /// <inheritdoc />
    public partial class CompareWorkspaces : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            // A column of text cannot be altered into one of bytes, so another takes its place.
            migrationBuilder.RenameColumn(
                name: "workspace",
                table: "workspace_grants",
                newName: "workspace_text");

            migrationBuilder.AddColumn<byte[]>(
                name: "workspace",
                table: "workspace_grants",
                type: "varbinary(1020)",
                maxLength: 1020,
                nullable: true);

            // What ComparedText writes from now on: the bytes in UTF-8, where nvarchar as it is would give those in UTF-16. Executed as text, because a script
            // is compiled as a whole, and then there is no such column yet, or no more.
            migrationBuilder.Sql(
                """
                EXEC(N'UPDATE workspace_grants
                SET workspace = CAST(CAST(workspace_text COLLATE Latin1_General_100_BIN2_UTF8 AS varchar(1020)) AS varbinary(1020))');
                """);

            migrationBuilder.AlterColumn<byte[]>(
                name: "workspace",
                table: "workspace_grants",
                type: "varbinary(1020)",
                maxLength: 1020,
                nullable: false,
                oldClrType: typeof(byte[]),
                oldType: "varbinary(1020)",
                oldMaxLength: 1020,
                oldNullable: true);

            migrationBuilder.DropColumn(
                name: "workspace_text",
                table: "workspace_grants");
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder) =>
            throw new NotSupportedException("The version before took workspaces for equal that are not. Restore the backup from before the migration.");
    }
}
