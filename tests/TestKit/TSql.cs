using Microsoft.SqlServer.TransactSql.ScriptDom;

namespace Secrets.TestKit;

/// <summary>The grammar of SQL Server 2019, which is the oldest that the service runs on.</summary>
public static class TSql
{
    /// <summary>Fails where a script is not T-SQL.</summary>
    /// <exception cref="FormatException">It is not.</exception>
    public static void Check(string sql) => Parse(sql);

    /// <summary>The script as a tree.</summary>
    /// <exception cref="FormatException">It is not T-SQL.</exception>
    public static TSqlFragment Parse(string sql)
    {
        using var reader = new StringReader(sql);
        var tree = new TSql150Parser(initialQuotedIdentifiers: true, SqlEngineType.All).Parse(reader, out var errors);
        if (errors.Count > 0)
        {
            throw new FormatException(string.Join('\n', errors.Select(error => $"line {error.Line}: {error.Message}")) + $"\nin\n{sql}");
        }

        tree.Accept(new KnownFunctions());
        return tree;
    }

    /// <summary>To the grammar every name is one of a function. These are the ones that the service and its tests use and the server has.</summary>
    private sealed class KnownFunctions : TSqlFragmentVisitor
    {
        private static readonly HashSet<string> Names = new(StringComparer.OrdinalIgnoreCase)
        {
            "CONCAT", "COUNT", "COUNT_BIG", "DATALENGTH", "DATEADD", "DB_ID", "HASHBYTES", "LEN", "MAX", "MIN", "NEWID", "OBJECT_ID", "QUOTENAME",
            "REPLACE", "STUFF", "SUBSTRING", "SUM", "SYSDATETIMEOFFSET",
        };

        public override void Visit(FunctionCall node)
        {
            if (node.CallTarget is null && !Names.Contains(node.FunctionName.Value))
            {
                throw new FormatException($"{node.FunctionName.Value} is not known to be a function of SQL Server.");
            }
        }
    }
}
