using System.Globalization;
using System.Text;

namespace Secrets.TestKit;

/// <summary>Looks for a text in every column of every table, in every form in which it might have been written by accident.</summary>
public static class TableHunt
{
    // In capitals, which PostgreSQL does not mind and a SQL Server that minds them wants.
    private const string Tables =
        """
        SELECT CONCAT('"', TABLE_SCHEMA, '"."', TABLE_NAME, '"') FROM INFORMATION_SCHEMA.TABLES
        WHERE TABLE_TYPE = 'BASE TABLE' AND TABLE_SCHEMA NOT IN ('pg_catalog', 'information_schema')
        """;

    /// <summary>The columns that hold the text in any form, as <c>table.column</c>.</summary>
    public static async Task<IReadOnlyList<string>> ColumnsHoldingAsync(string connectionString, string text)
    {
        var forms = FileHunt.BytesOf(text);
        var found = new SortedSet<string>(StringComparer.Ordinal);
        foreach (var table in await TestDatabase.ReadAsync(connectionString, Tables, row => row.GetString(0)))
        {
            var name = table.Split('"')[^2];
            await TestDatabase.ReadAsync(connectionString, $"SELECT * FROM {table}", row =>
            {
                for (var column = 0; column < row.FieldCount; column++)
                {
                    if (FileHunt.Holds(BytesOf(row.GetValue(column)), forms))
                    {
                        found.Add($"{name}.{row.GetName(column)}");
                    }
                }

                return true;
            });
        }

        return [.. found];
    }

    private static byte[] BytesOf(object value) => value switch
    {
        byte[] bytes => bytes,
        _ => Encoding.UTF8.GetBytes(Convert.ToString(value, CultureInfo.InvariantCulture)!),
    };
}
