using Npgsql;

namespace Secrets.Infrastructure.Persistence.Postgres;

/// <summary>Sends rows as arrays, one for each column, so that the text of a statement does not depend on the number of rows.</summary>
internal static class ArrayParameters
{
    /// <summary>No name of a column is a keyword here.</summary>
    public static string Quote(string name) => name;

    public static NpgsqlParameter<T[]> FromItems<TItem, T>(IReadOnlyList<TItem> items, Func<TItem, T> value) => new() { TypedValue = [.. items.Select(value)] };

    /// <summary>An optional column, one of several for unnest. If all values are null, the array is null: unnest pads it with nulls.</summary>
    public static NpgsqlParameter<T?[]> FromOptionalItems<TItem, T>(IReadOnlyList<TItem> items, Func<TItem, T?> value)
    {
        T?[] values = [.. items.Select(value)];
        return new() { TypedValue = Array.TrueForAll(values, one => one is null) ? null : values };
    }
}
