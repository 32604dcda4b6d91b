using Npgsql;

namespace Secrets.Infrastructure.Persistence.Postgres;

/// <summary>Rows as arrays, one per column, so that a statement is the same for any number of rows.</summary>
internal static class Columns
{
    /// <summary>No name of a column is a keyword here.</summary>
    public static string Quote(string name) => name;

    public static NpgsqlParameter<T[]> FromItems<TItem, T>(IReadOnlyList<TItem> items, Func<TItem, T> value) => new() { TypedValue = [.. items.Select(value)] };

    /// <summary>A column that may be null, one of several for unnest. If it is null in all rows, the array is null: unnest fills it with nulls beside the others.</summary>
    public static NpgsqlParameter<T?[]> FromOptionalItems<TItem, T>(IReadOnlyList<TItem> items, Func<TItem, T?> value)
    {
        T?[] values = [.. items.Select(value)];
        return new() { TypedValue = Array.TrueForAll(values, one => one is null) ? null : values };
    }

    /// <summary>The value of a column that may be null.</summary>
    public static T? Optional<T>(this NpgsqlDataReader row, int column)
        where T : class => row.IsDBNull(column) ? null : row.GetFieldValue<T>(column);
}
