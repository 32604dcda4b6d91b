using System.Globalization;
using Npgsql;

namespace Secrets.Infrastructure.Persistence.Postgres;

/// <summary>Rows for unnest: one array parameter for each sent column. Made once for a statement.</summary>
internal sealed class UnnestedRows<TRow>
{
    private readonly Func<IReadOnlyList<TRow>, NpgsqlParameter>[] _parameters;

    /// <summary>Takes the sent columns of a list.</summary>
    /// <param name="columns">The list.</param>
    /// <param name="firstParameter">The number of the first parameter.</param>
    public UnnestedRows(IEnumerable<Column<TRow>> columns, int firstParameter)
    {
        var sent = columns.OfType<SentColumn<TRow>>().ToList();
        _parameters = [.. sent.Select(column => column.Accept(new ParameterMaker()))];
        var arrays = sent.ConvertAll(column => string.Create(CultureInfo.InvariantCulture, $"${firstParameter + sent.IndexOf(column)}::{TypeOf(column.Kind)}[]"));
        Arrays = string.Join(", ", arrays);
        Count = $"cardinality({arrays[sent.FindIndex(column => !column.IsOptional)]})";
        Names = sent.Names(ArrayParameters.Quote);
        NextParameter = firstParameter + sent.Count;
    }

    /// <summary>The arguments of unnest.</summary>
    public string Arrays { get; }

    /// <summary>The number of rows. The array of an optional column may be null.</summary>
    public string Count { get; }

    /// <summary>The names of the columns, in the order of the arrays.</summary>
    public string Names { get; }

    /// <summary>The number of the first parameter after these.</summary>
    public int NextParameter { get; }

    public void AddTo(NpgsqlBatchCommand command, IReadOnlyList<TRow> rows)
    {
        foreach (var parameter in _parameters)
        {
            command.Parameters.Add(parameter(rows));
        }
    }

    private static string TypeOf(ColumnKind kind) => kind switch
    {
        ColumnKind.Uuid => "uuid",
        ColumnKind.Flag => "bool",
        ColumnKind.Tiny or ColumnKind.Small => "smallint",
        ColumnKind.Number => "int",
        ColumnKind.Large => "bigint",
        ColumnKind.Text => "text",
        ColumnKind.Hash or ColumnKind.Bytes => "bytea",
        ColumnKind.Moment => "timestamptz",
        _ => throw new ArgumentOutOfRangeException(nameof(kind)),
    };

    private sealed class ParameterMaker : IColumnVisitor<TRow, Func<IReadOnlyList<TRow>, NpgsqlParameter>>
    {
        public Func<IReadOnlyList<TRow>, NpgsqlParameter> Visit<T>(SentColumn<TRow, T> column) => (SentColumn<TRow>)column switch
        {
            SentColumn<TRow, DateTimeOffset> { ValueOf: var moment } => rows => ArrayParameters.FromItems(rows, row => moment(row).UtcDateTime),
            { IsOptional: true } => rows => ArrayParameters.FromOptionalItems(rows, column.ValueOf),
            _ => rows => ArrayParameters.FromItems(rows, column.ValueOf),
        };
    }
}
