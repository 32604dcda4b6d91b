using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata;
using Microsoft.SqlServer.TransactSql.ScriptDom;

namespace Secrets.TestKit;

/// <summary>
/// Finds columns that a statement compares or groups as text. There SQL Server ignores blanks at the end, under every collation. No other database does.
/// </summary>
public sealed class PaddedComparisons : TSqlFragmentVisitor
{
    private readonly IModel _model;
    private readonly Dictionary<string, string> _tables = new(StringComparer.OrdinalIgnoreCase);
    private readonly List<ColumnReferenceExpression> _compared = [];

    private PaddedComparisons(IModel model) => _model = model;

    /// <summary>Fails if a statement compares a column as text. The column is named with its table or the table's alias.</summary>
    /// <exception cref="FormatException">The statement contains such a comparison.</exception>
    public static void Check(string sql, IModel model)
    {
        var visitor = new PaddedComparisons(model);
        TSql.Parse(sql).Accept(visitor);
        if (visitor._compared.Select(visitor.TextOf).FirstOrDefault(text => text is not null) is { } found)
        {
            throw new FormatException($"SQL Server ignores blanks at the end of {found} in this comparison:\n{sql}");
        }
    }

    public override void Visit(NamedTableReference node) =>
        _tables[(node.Alias ?? node.SchemaObject.BaseIdentifier).Value] = node.SchemaObject.BaseIdentifier.Value;

    public override void Visit(QueryDerivedTable node)
    {
        // SELECT * FROM a table, as EF Core wraps handwritten SQL.
        if (node is { Alias: { } alias, QueryExpression: QuerySpecification { SelectElements: [SelectStarExpression], FromClause.TableReferences: [NamedTableReference inner] } })
        {
            _tables[alias.Value] = inner.SchemaObject.BaseIdentifier.Value;
        }
    }

    public override void Visit(BooleanComparisonExpression node) => Compare(node.FirstExpression, node.SecondExpression);

    public override void Visit(InPredicate node) => Compare(node.Expression);

    public override void Visit(LikePredicate node) => Compare(node.FirstExpression, node.SecondExpression);

    public override void Visit(GroupByClause node) =>
        Group([.. node.GroupingSpecifications.OfType<ExpressionGroupingSpecification>().Select(grouping => grouping.Expression)]);

    public override void Visit(QuerySpecification node)
    {
        if (node.UniqueRowFilter == UniqueRowFilter.Distinct)
        {
            Group(SelectedBy(node));
        }
    }

    public override void Visit(BinaryQueryExpression node)
    {
        if (node is not { BinaryQueryExpressionType: BinaryQueryExpressionType.Union, All: true })
        {
            Group(SelectedBy(node.FirstQueryExpression));
            Group(SelectedBy(node.SecondQueryExpression));
        }
    }

    private static List<ScalarExpression> SelectedBy(QueryExpression query) => query is QuerySpecification plain
        ? [.. plain.SelectElements.OfType<SelectScalarExpression>().Select(element => element.Expression)]
        : [];

    /// <summary>Notes grouped columns, except those that are grouped with a character behind them too.</summary>
    private void Group(List<ScalarExpression> grouped)
    {
        var exact = grouped.OfType<BinaryExpression>().Where(sum => sum is { BinaryExpressionType: BinaryExpressionType.Add, SecondExpression: StringLiteral })
            .Select(sum => NameOf(sum.FirstExpression)).ToHashSet(StringComparer.Ordinal);
        Compare(grouped.Where(expression => !exact.Contains(NameOf(expression))));
    }

    private static string NameOf(ScalarExpression expression) => expression is ColumnReferenceExpression column
        ? string.Join('.', column.MultiPartIdentifier.Identifiers.Select(part => part.Value))
        : "";

    private void Compare(params IEnumerable<ScalarExpression> operands) => _compared.AddRange(operands.OfType<ColumnReferenceExpression>());

    private string? TextOf(ColumnReferenceExpression column)
    {
        if (column.MultiPartIdentifier.Identifiers is not [var source, var name] || !_tables.TryGetValue(source.Value, out var table))
        {
            return null;
        }

        var properties = _model.GetEntityTypes().Where(entity => entity.GetTableName() == table).SelectMany(entity => entity.GetProperties());
        return properties.Any(property => property.GetColumnName() == name.Value && property.GetColumnType().StartsWith("nvarchar", StringComparison.Ordinal))
            ? $"{table}.{name.Value}"
            : null;
    }
}
