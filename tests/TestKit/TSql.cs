using Microsoft.SqlServer.TransactSql.ScriptDom;

namespace Secrets.TestKit;

/// <summary>The grammar of SQL Server 2019, the oldest supported version.</summary>
public static class TSql
{
    /// <summary>Fails if a script is not T-SQL.</summary>
    /// <exception cref="FormatException">The script is not T-SQL.</exception>
    public static void Check(string sql) => Parse(sql);

    /// <summary>Parses a script.</summary>
    /// <exception cref="FormatException">The script is not valid.</exception>
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

    /// <summary>The functions of SQL Server that the service and its tests use. The grammar accepts any name as a function.</summary>
    private sealed class KnownFunctions : TSqlFragmentVisitor
    {
        private static readonly HashSet<string> Names = new(StringComparer.OrdinalIgnoreCase)
        {
            "CONCAT", "COUNT", "COUNT_BIG", "DATALENGTH", "DATEADD", "DB_ID", "DB_NAME", "HASHBYTES", "ISNULL", "LEN", "MAX", "MIN", "NCHAR", "NEWID", "OBJECT_ID", "QUOTENAME",
            "REPLACE", "STUFF", "SUBSTRING", "SUM", "SUSER_ID", "SYSDATETIMEOFFSET", "TRANSLATE", "USER_ID",
        };

        public override void Visit(FunctionCall node)
        {
            if (node.CallTarget is null && !Names.Contains(node.FunctionName.Value))
            {
                throw new FormatException($"{node.FunctionName.Value} is not a known function of SQL Server.");
            }
        }
    }
}
