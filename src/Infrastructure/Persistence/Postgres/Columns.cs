using Npgsql;

namespace Secrets.Infrastructure.Persistence.Postgres;

/// <summary>Rows as arrays, one per column, so that a statement is the same for any number of rows.</summary>
internal static class Columns
{
    public static NpgsqlParameter<T[]> Of<TItem, T>(IReadOnlyList<TItem> items, Func<TItem, T> value) => new() { TypedValue = [.. items.Select(value)] };

    /// <summary>The value of a column that may be null.</summary>
    public static T? Optional<T>(this NpgsqlDataReader row, int column)
        where T : class => row.IsDBNull(column) ? null : row.GetFieldValue<T>(column);
}
