using System.Text;
using Microsoft.EntityFrameworkCore.Metadata;
using Microsoft.EntityFrameworkCore.Migrations;
using Microsoft.EntityFrameworkCore.Migrations.Operations;
using Microsoft.EntityFrameworkCore.Query.SqlExpressions;
using Microsoft.EntityFrameworkCore.SqlServer.Update.Internal;
using Microsoft.EntityFrameworkCore.Update;

namespace Secrets.Infrastructure.Persistence.SqlServer;

/// <summary>
/// Owners are looked up by the hash of their id (docs/decisions/0012-sql-server.md). Beside each text column with such an id, a computed column holds the
/// hash. The model of EF Core knows the text only: wherever it compares or indexes the text, the generators of SQL use the hash.
/// </summary>
internal static class OwnerKey
{
    /// <summary>The type of the column with the text: <see cref="SecretOwner.MaxIdLength"/> code points, each of up to two UTF-16 units.</summary>
    public const string TextType = "nvarchar(510)";

    /// <summary>The type of the column with the hash.</summary>
    public const string Type = "binary(32)";

    /// <summary>SQL before the text of <see cref="Hash"/>.</summary>
    public const string HashStart = "CAST(HASHBYTES('SHA2_256', ";

    /// <summary>SQL after the text of <see cref="Hash"/>.</summary>
    public const string HashEnd = $") AS {Type})";

    private const string Owners = "owners";
    private const string Id = "id";

    /// <summary>The name of the column with the hash of a text column; null if the column is not an owner's id.</summary>
    public static string? Of(string? table, string column) => (table, column) switch
    {
        (Owners, Id) => "id_key",
        (_, "owner_id") => "owner_key",
        _ => null,
    };

    /// <summary>The same for an expression of a query; null if it is not a column. A query on handwritten SQL has the column of its entity.</summary>
    public static string? Of(SqlExpression expression) => expression is ColumnExpression { Column: { PropertyMappings: [var mapping, ..] } column }
        ? Of(mapping.Property.DeclaringType.GetTableName(), column.Name)
        : null;

    /// <summary>The SQL value of a hash. Always the database's hash: servers differ in the bytes of the same text.</summary>
    /// <param name="text">SQL text, of a Unicode type: a hash has every character, also blanks at the end.</param>
    public static string Hash(string text) => $"{HashStart}{text}{HashEnd}";

    /// <summary>Writes conditions of updates, which EF Core has for keys.</summary>
#pragma warning disable EF1001 // Internal to EF Core, like PlainSqlGenerator's base.
    internal sealed class Updates(UpdateSqlGeneratorDependencies dependencies) : SqlServerUpdateSqlGenerator(dependencies)
    {
        protected override void AppendWhereCondition(StringBuilder commandStringBuilder, IColumnModification columnModification, bool useOriginalValue)
        {
            if (Of(columnModification.Column?.Table.Name, columnModification.ColumnName) is not { } key)
            {
                base.AppendWhereCondition(commandStringBuilder, columnModification, useOriginalValue);
                return;
            }

            var parameter = useOriginalValue ? columnModification.OriginalParameterName! : columnModification.ParameterName!;
            commandStringBuilder.Append(SqlGenerationHelper.DelimitIdentifier(key)).Append(" = ").Append(Hash(SqlGenerationHelper.GenerateParameterNamePlaceholder(parameter)));
        }
    }
#pragma warning restore EF1001

    /// <summary>Writes migrations: a table with an owner's id gets the hash too, and keys and indexes have the hash.</summary>
    internal sealed class Migrations(MigrationsSqlGeneratorDependencies dependencies, ICommandBatchPreparer commands)
        : SqlServerMigrationsSqlGenerator(dependencies, commands)
    {
        protected override void ColumnDefinition(
            string? schema, string table, string name, ColumnOperation operation, IModel? model, MigrationCommandListBuilder builder)
        {
            base.ColumnDefinition(schema, table, name, operation, model, builder);
            if (Of(table, name) is { } key)
            {
                if (operation is AlterColumnOperation)
                {
                    throw new NotSupportedException($"{table}.{name} cannot be altered: drop {key} and its indexes first.");
                }

                var helper = Dependencies.SqlGenerationHelper;
                builder.AppendLine(",")
                    .Append($"{helper.DelimitIdentifier(key)} AS {Hash(helper.DelimitIdentifier(name))} PERSISTED{(operation.IsNullable ? "" : " NOT NULL")}");
            }
        }

        protected override void PrimaryKeyConstraint(AddPrimaryKeyOperation operation, IModel? model, MigrationCommandListBuilder builder)
        {
            operation.Columns = KeysOf(operation.Table, operation.Columns);
            base.PrimaryKeyConstraint(operation, model, builder);
        }

        protected override void ForeignKeyConstraint(AddForeignKeyOperation operation, IModel? model, MigrationCommandListBuilder builder)
        {
            (operation.Columns, operation.PrincipalColumns) =
                (KeysOf(operation.Table, operation.Columns), KeysOf(operation.PrincipalTable, operation.PrincipalColumns!));
            base.ForeignKeyConstraint(operation, model, builder);
        }

        protected override void Generate(CreateIndexOperation operation, IModel? model, MigrationCommandListBuilder builder, bool terminate = true)
        {
            operation.Columns = KeysOf(operation.Table, operation.Columns);
            base.Generate(operation, model, builder, terminate);
        }

        private static string[] KeysOf(string table, string[] columns) => Array.ConvertAll(columns, column => Of(table, column) ?? column);
    }
}
