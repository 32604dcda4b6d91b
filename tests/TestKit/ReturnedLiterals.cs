using Microsoft.SqlServer.TransactSql.ScriptDom;

namespace Secrets.TestKit;

/// <summary>
/// Finds literals in quotation marks among the columns that a statement returns. SQL Server returns such a literal as text. If the model has a moment there,
/// reading it fails.
/// </summary>
public sealed class ReturnedLiterals : TSqlFragmentVisitor
{
    private StringLiteral? _found;

    private ReturnedLiterals()
    {
    }

    /// <summary>Fails if a statement returns such a literal.</summary>
    /// <exception cref="FormatException">The statement returns one.</exception>
    public static void Check(string sql)
    {
        var visitor = new ReturnedLiterals();
        TSql.Parse(sql).Accept(visitor);
        if (visitor._found is { } literal)
        {
            throw new FormatException($"SQL Server returns '{literal.Value}' as text in this statement:\n{sql}");
        }
    }

    public override void Visit(SelectScalarExpression node) => _found ??= node.Expression as StringLiteral;
}
