using System.Globalization;
using System.Text;

namespace Secrets.TestKit;

/// <summary>Searches every column of every table for a text, in every encoding in which it may have been written by accident.</summary>
public static class TableHunt
{
    // In capitals: PostgreSQL ignores the case, and a case-sensitive SQL Server requires them.
    private const string Tables =
        """
        SELECT CONCAT('"', TABLE_SCHEMA, '"."', TABLE_NAME, '"') FROM INFORMATION_SCHEMA.TABLES
        WHERE TABLE_TYPE = 'BASE TABLE' AND TABLE_SCHEMA NOT IN ('pg_catalog', 'information_schema')
        """;

    /// <summary>The columns that contain the text in any encoding, as <c>table.column</c>.</summary>
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
