using System.Reflection;
using System.Text.RegularExpressions;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata;
using Microsoft.SqlServer.TransactSql.ScriptDom;
using Secrets.Infrastructure.Persistence.SqlServer;
using Secrets.TestKit;

namespace Secrets.Infrastructure.Tests.SqlServer;

/// <summary>
/// Checks handwritten statements without a server: they are T-SQL, and their tables, columns and types exist in the model.
/// </summary>
public sealed partial class WritingTSql
{
    private static readonly string[] Verbs = ["SELECT", "UPDATE", "INSERT", "DELETE"];

    /// <summary>All statements in the folder, so that a new one is tested automatically.</summary>
    public static TheoryData<string> Statements { get; } = [.. Fields().Select(field => $"{field.DeclaringType!.Name}.{field.Name}")];

    [Fact]
    public void There_are_some() => Assert.True(Fields().Count() >= 6);

    [Theory]
    [MemberData(nameof(Statements))]
    public void A_statement_names_what_there_is(string name)
    {
        var sql = TextOf(name);
        var model = new Names(TablesOf(SqlServerModel.Current));

        TSql.Parse(sql).Accept(model);

        Assert.Empty(model.Unknown);
        Assert.True(model.Checked > 0, "no column was checked");
        PaddedComparisons.Check(sql, SqlServerModel.Current);
    }

    [Fact]
    public void The_triggers_are_T_SQL_and_name_columns()
    {
        var created = new ExecutedText();

        TSql.Parse(StampTriggers.Create).Accept(created);

        Assert.Equal(5, created.Statements.Count);
        foreach (var trigger in created.Statements.Select(TSql.Parse).Select(script => ((TSqlScript)script).Batches[0].Statements.Single()).Cast<CreateTriggerStatement>())
        {
            var columns = TablesOf(SqlServerModel.Current)[trigger.TriggerObject.Name.BaseIdentifier.Value].Keys;
            var changes = new ChangedColumns();
            trigger.Accept(changes);
            Assert.Empty(changes.Names.Except(columns, StringComparer.Ordinal));
        }
    }

    [Theory]
    [InlineData("SELECT s.nam FROM secrets AS s", "s.nam")]
    [InlineData("SELECT s.name FROM secret AS s", "secret")]
    [InlineData("INSERT INTO owners (kind, id, bytes_used) SELECT 1, 0x, 0", "stamp")]
    [InlineData("UPDATE owners SET used = 1", "used")]
    [InlineData("SELECT i.size FROM OPENJSON(@i) WITH (size bigint '$[0]') AS i JOIN secrets AS s ON s.size = i.size", "size bigint")]
    public void What_there_is_not_is_found(string sql, string wrong)
    {
        var model = new Names(TablesOf(SqlServerModel.Current));

        TSql.Parse(sql).Accept(model);

        Assert.Contains(wrong, model.Unknown);
    }

    private static IEnumerable<FieldInfo> Fields() => typeof(SqlServerEngine).Assembly.GetTypes()
        .Where(type => string.Equals(type.Namespace, typeof(SqlServerEngine).Namespace, StringComparison.Ordinal))
        .Where(type => type != typeof(StampTriggers)) // DDL
        .SelectMany(type => type.GetFields(BindingFlags.Static | BindingFlags.NonPublic | BindingFlags.Public))
        .Where(field => field.FieldType == typeof(string)
            && Verbs.Any(verb => ((string)field.GetValue(null)!).Contains(verb, StringComparison.Ordinal)))
        .OrderBy(field => field.DeclaringType!.Name, StringComparer.Ordinal).ThenBy(field => field.Name, StringComparer.Ordinal);

    // Replaces the placeholders of EF Core by parameter names.
    private static string TextOf(string name) => Placeholder().Replace(
        (string)Fields().Single(field => string.Equals($"{field.DeclaringType!.Name}.{field.Name}", name, StringComparison.Ordinal)).GetValue(null)!,
        "@p${number}");

    [GeneratedRegex(@"\{(?<number>\d)\}", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1_000)]
    private static partial Regex Placeholder();

    // Ids and hashes have one size, so they are sent with it.
    private static string UnlimitedOf(string type) => type switch
    {
        "binary(16)" or "binary(32)" => type,
        _ when type.StartsWith("nvarchar(", StringComparison.Ordinal) => "nvarchar(max)",
        _ when type.Contains("binary(", StringComparison.Ordinal) => "varbinary(max)",
        _ => type,
    };

    private static Dictionary<string, Dictionary<string, (string Type, bool IsNullable)>> TablesOf(IModel model) => model.GetEntityTypes().ToDictionary(
        entity => entity.GetTableName()!,
        entity => entity.GetProperties().SelectMany(ColumnsOf).ToDictionary(column => column.Name, column => (column.Type, column.IsNullable), StringComparer.Ordinal),
        StringComparer.Ordinal);

    private static IEnumerable<(string Name, string Type, bool IsNullable)> ColumnsOf(IProperty property)
    {
        yield return (property.GetColumnName(), property.GetColumnType(), property.IsNullable);
        if (OwnerKey.Of(property.DeclaringType.GetTableName(), property.GetColumnName()) is { } key)
        {
            yield return (key, OwnerKey.Type, IsNullable: true); // computed, so no INSERT has it
        }
    }

    /// <summary>Texts of EXEC(N'...').</summary>
    private sealed class ExecutedText : TSqlFragmentVisitor
    {
        public List<string> Statements { get; } = [];

        public override void Visit(ExecutableStringList node) => Statements.AddRange(node.Strings.Cast<StringLiteral>().Select(text => text.Value));
    }

    /// <summary>Columns of UPDATE(column) in a trigger.</summary>
    private sealed class ChangedColumns : TSqlFragmentVisitor
    {
        public List<string> Names { get; } = [];

        public override void Visit(UpdateCall node) => Names.Add(node.Identifier.Value);
    }

    /// <summary>Compares names with a model. A name with an alias must be in that table; a name without may be in any table of the statement.</summary>
    private sealed class Names(Dictionary<string, Dictionary<string, (string Type, bool IsNullable)>> tables) : TSqlFragmentVisitor
    {
        private readonly Dictionary<string, HashSet<string>> _variables = new(StringComparer.OrdinalIgnoreCase);

        public List<string> Unknown { get; } = [];

        public int Checked { get; private set; }

        public override void ExplicitVisit(TSqlScript node)
        {
            foreach (var statement in node.Batches.SelectMany(batch => batch.Statements))
            {
                Enter(statement);
            }
        }

        private void Enter(TSqlStatement statement)
        {
            switch (statement)
            {
                case DeclareTableVariableStatement { Body: var body }:
                    _variables[body.VariableName.Value] = [.. body.Definition.ColumnDefinitions.Select(column => column.ColumnIdentifier.Value)];
                    break;
                case WhileStatement { Statement: var inner }:
                    Enter(inner);
                    break;
                case IfStatement { ThenStatement: var inner }:
                    Enter(inner);
                    break;
                case BeginEndBlockStatement { StatementList: var inner }:
                    inner.Statements.ToList().ForEach(Enter);
                    break;
                default:
                    Check(statement);
                    break;
            }
        }

        private void Check(TSqlStatement statement)
        {
            var sources = new Sources(tables, _variables);
            statement.Accept(sources);
            Unknown.AddRange(sources.Unknown);
            foreach (var (alias, column) in sources.Columns)
            {
                Checked++;
                var known = alias is null ? sources.All.Contains(column) : sources.ByAlias.GetValueOrDefault(alias)?.Contains(column) == true;
                if (!known)
                {
                    Unknown.Add(alias is null ? column : $"{alias}.{column}");
                }
            }

            foreach (var (column, type) in sources.Typed)
            {
                // Sent text and bytes may have any length; the column of the table limits it.
                var types = sources.Tables.Where(table => table.ContainsKey(column))
                    .SelectMany(table => (string[])[UnlimitedOf(table[column].Type), table[column].Type]).ToList();
                if (types.Count > 0 && !types.Contains(type, StringComparer.OrdinalIgnoreCase))
                {
                    Unknown.Add($"{column} {type}");
                }
            }
        }
    }

    private sealed class Sources(
        Dictionary<string, Dictionary<string, (string Type, bool IsNullable)>> tables, Dictionary<string, HashSet<string>> variables) : TSqlFragmentVisitor
    {
        // JSON whose columns are not values of the table's columns, or were checked.
        private readonly HashSet<OpenJsonTableReference> _places = [];

        public List<string> Unknown { get; } = [];

        public List<(string? Alias, string Column)> Columns { get; } = [];

        public List<(string Column, string Type)> Typed { get; } = [];

        public List<Dictionary<string, (string Type, bool IsNullable)>> Tables { get; } = [];

        public HashSet<string> All { get; } = new(StringComparer.Ordinal);

        public Dictionary<string, HashSet<string>> ByAlias { get; } = new(StringComparer.Ordinal) { ["inserted"] = [.. tables.Values.SelectMany(table => table.Keys)] };

        public override void Visit(NamedTableReference node)
        {
            var name = node.SchemaObject.BaseIdentifier.Value;
            if (tables.TryGetValue(name, out var columns))
            {
                Tables.Add(columns);
                Add(node.Alias?.Value ?? name, columns.Keys);
            }
            else if (name.Length > 1)
            {
                Unknown.Add(name);
            }
        }

        public override void Visit(VariableTableReference node) => Add(node.Alias?.Value ?? node.Variable.Name, variables[node.Variable.Name]);

        public override void Visit(OpenJsonTableReference node)
        {
            Add(node.Alias?.Value ?? "", node.SchemaDeclarationItems.Select(item => item.ColumnDefinition.ColumnIdentifier.Value));
            if (_places.Add(node))
            {
                Typed.AddRange(TypesOf(node));
            }
        }

        public override void Visit(QueryDerivedTable node)
        {
            var select = (QuerySpecification)node.QueryExpression;
            if (select.FromClause.TableReferences is [OpenJsonTableReference sent])
            {
                // The JSON has places of bytes, and text with stand-ins. The subquery has the values.
                _places.Add(sent);
                var types = TypesOf(sent).ToDictionary(StringComparer.Ordinal);
                Typed.AddRange(select.SelectElements.Cast<SelectScalarExpression>().Select(element => (element.ColumnName.Value, element.Expression switch
                {
                    CastCall { DataType: var type } => TypeOf(type),
                    FunctionCall { FunctionName.Value: "SUBSTRING" } => "varbinary(max)",
                    _ => types[element.ColumnName.Value],
                })));
            }

            Add(node.Alias.Value, select.SelectElements.OfType<SelectScalarExpression>().Select(element =>
                element.ColumnName?.Value ?? ((ColumnReferenceExpression)element.Expression).MultiPartIdentifier.Identifiers[^1].Value));
        }

        public override void Visit(ColumnReferenceExpression node)
        {
            if (node.MultiPartIdentifier?.Identifiers is { } parts)
            {
                Columns.Add((parts.Count > 1 ? parts[0].Value : null, parts[^1].Value));
            }
        }

        public override void Visit(InsertSpecification node)
        {
            if (node.Target is NamedTableReference target && tables.TryGetValue(target.SchemaObject.BaseIdentifier.Value, out var columns))
            {
                var given = node.Columns.Select(column => column.MultiPartIdentifier.Identifiers[^1].Value).ToHashSet(StringComparer.Ordinal);
                Unknown.AddRange(columns.Where(column => !column.Value.IsNullable && !given.Contains(column.Key)).Select(column => column.Key));
                Unknown.AddRange(given.Where(column => !columns.ContainsKey(column)));
            }
        }

        private void Add(string alias, IEnumerable<string> columns)
        {
            var known = columns.ToHashSet(StringComparer.Ordinal);
            All.UnionWith(known);
            if (ByAlias.TryGetValue(alias, out var before))
            {
                known.UnionWith(before); // one alias in each part of a UNION
            }

            ByAlias[alias] = known;
        }

        private static IEnumerable<(string Column, string Type)> TypesOf(OpenJsonTableReference json) => json.SchemaDeclarationItems
            .Select(item => (item.ColumnDefinition.ColumnIdentifier.Value, TypeOf(item.ColumnDefinition.DataType)));

        private static string TypeOf(DataTypeReference type) => type is SqlDataTypeReference { Parameters: { Count: > 0 } parameters } sized
            ? $"{sized.Name.BaseIdentifier.Value}({string.Join(',', parameters.Select(parameter => parameter.Value))})"
            : type.Name.BaseIdentifier.Value;
    }
}
