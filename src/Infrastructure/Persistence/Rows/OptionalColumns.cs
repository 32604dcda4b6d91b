using System.Data.Common;

namespace Secrets.Infrastructure.Persistence.Rows;

internal static class OptionalColumns
{
    /// <summary>Reads a column that may be null.</summary>
    public static T? Optional<T>(this DbDataReader row, int column)
        where T : class => row.IsDBNull(column) ? null : row.GetFieldValue<T>(column);
}
