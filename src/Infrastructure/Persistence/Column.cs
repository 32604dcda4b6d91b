namespace Secrets.Infrastructure.Persistence;

/// <summary>
/// The kind of values in a column. Each provider maps a kind to its SQL type. Tiny, Small, Number and Large are integers of 8, 16, 32 and 64 bits.
/// The database only stores Text. Hashed is text of which a statement gets only the hash, to look up an owner (SQL Server).
/// </summary>
internal enum ColumnKind
{
    Uuid, Flag, Tiny, Small, Number, Large, Text, Hashed, Hash, Bytes, Moment,
}

/// <summary>Uses the value type of a column, once for each statement and not for each row.</summary>
internal interface IColumnVisitor<TRow, out TResult>
{
    TResult Visit<T>(SentColumn<TRow, T> column);
}

/// <summary>A column of an INSERT statement.</summary>
internal abstract record Column<TRow>(string Name);

/// <summary>A column with the same literal in every new row.</summary>
internal sealed record LiteralColumn<TRow>(string Name, string Literal) : Column<TRow>(Name);

/// <summary>A column with the value of a sent column.</summary>
internal sealed record CopiedColumn<TRow>(string Name, string Source) : Column<TRow>(Name);

/// <summary>A column whose values are sent to the database.</summary>
internal abstract record SentColumn<TRow>(string Name, ColumnKind Kind, bool IsOptional) : Column<TRow>(Name)
{
    public abstract TResult Accept<TResult>(IColumnVisitor<TRow, TResult> visitor);
}

/// <summary>A column with values of one type.</summary>
/// <param name="Name">The name in the database.</param>
/// <param name="Kind">The kind of values.</param>
/// <param name="ValueOf">Gets the value of a row.</param>
/// <param name="IsOptional">Whether values may be null.</param>
internal sealed record SentColumn<TRow, T>(string Name, ColumnKind Kind, Func<TRow, T> ValueOf, bool IsOptional = false) : SentColumn<TRow>(Name, Kind, IsOptional)
{
    public override TResult Accept<TResult>(IColumnVisitor<TRow, TResult> visitor) => visitor.Visit(this);
}

/// <summary>Lists of columns as SQL text.</summary>
internal static class ColumnLists
{
    /// <summary>The names, for INSERT.</summary>
    public static string Names<TRow>(this IEnumerable<Column<TRow>> columns, Func<string, string> quote) => string.Join(", ", columns.Select(column => quote(column.Name)));

    /// <summary>The values, for SELECT from the sent rows i.</summary>
    public static string Values<TRow>(this IEnumerable<Column<TRow>> columns, Func<string, string> quote) => string.Join(
        ", ",
        columns.Select(column => column switch
        {
            LiteralColumn<TRow> { Literal: var literal } => literal,
            CopiedColumn<TRow> { Source: var source } => $"i.{quote(source)}",
            _ => $"i.{quote(column.Name)}",
        }));
}
