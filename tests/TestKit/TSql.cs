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
        return errors.Count == 0
            ? tree
            : throw new FormatException(string.Join('\n', errors.Select(error => $"line {error.Line}: {error.Message}")) + $"\nin\n{sql}");
    }
}
