using System.Globalization;
using System.Text.Json;
using Microsoft.Data.SqlClient;

namespace Secrets.Infrastructure.Persistence.SqlServer;

/// <summary>Rows for OPENJSON: the sent columns as JSON arrays. Made once for a statement.</summary>
internal sealed class JsonColumns<TRow>
{
    private readonly Action<Utf8JsonWriter, TRow>[] _writers;

    /// <summary>Takes the sent columns of a list.</summary>
    public JsonColumns(IEnumerable<Column<TRow>> columns)
    {
        var sent = columns.OfType<SentColumn<TRow>>().ToList();
        _writers = [.. sent.Select(WriterOf)];
        Schema = string.Join(
            ", ", sent.Select((column, place) => string.Create(CultureInfo.InvariantCulture, $"{JsonRows.Quote(column.Name)} {TypeOf(column.Kind)} '$[{place}]'")));
    }

    /// <summary>The columns of OPENJSON ... WITH.</summary>
    public string Schema { get; }

    public SqlParameter ToParameter(string name, IEnumerable<TRow> rows) => JsonRows.FromItems(name, rows, (json, row) =>
    {
        foreach (var write in _writers)
        {
            write(json, row);
        }
    });

    private static string TypeOf(ColumnKind kind) => kind switch
    {
        ColumnKind.Uuid => UuidBytes.ColumnType,
        ColumnKind.Flag => "bit",
        ColumnKind.Tiny => "tinyint",
        ColumnKind.Small => "smallint",
        ColumnKind.Number => "int",
        ColumnKind.Large => "bigint",
        ColumnKind.Text => "nvarchar(max)",
        ColumnKind.ComparedText => ComparedText.ColumnType,
        ColumnKind.Hash => "binary(32)",
        ColumnKind.Bytes => "varbinary(max)",
        ColumnKind.Moment => "datetimeoffset(6)",
        _ => throw new ArgumentOutOfRangeException(nameof(kind)),
    };

    private static Action<Utf8JsonWriter, TRow> WriterOf(SentColumn<TRow> column) => column switch
    {
        SentColumn<TRow, Guid> { ValueOf: var value } => (json, row) => json.Add(value(row)),
        SentColumn<TRow, Guid?> { ValueOf: var value } => (json, row) => json.Add(value(row)),
        SentColumn<TRow, bool> { ValueOf: var value } => (json, row) => json.Add(value(row)),
        SentColumn<TRow, short> { ValueOf: var value } => (json, row) => json.Add((long)value(row)),
        SentColumn<TRow, short?> { ValueOf: var value } => (json, row) => json.Add((long?)value(row)),
        SentColumn<TRow, int> { ValueOf: var value } => (json, row) => json.Add((long)value(row)),
        SentColumn<TRow, int?> { ValueOf: var value } => (json, row) => json.Add((long?)value(row)),
        SentColumn<TRow, long> { ValueOf: var value } => (json, row) => json.Add((long?)value(row)),
        SentColumn<TRow, long?> { ValueOf: var value } => (json, row) => json.Add(value(row)),
        SentColumn<TRow, string> { Kind: ColumnKind.ComparedText, ValueOf: var value } => (json, row) => json.AddCompared(value(row)),
        SentColumn<TRow, string> { ValueOf: var value } => (json, row) => json.Add(value(row)),
        SentColumn<TRow, byte[]> { ValueOf: var value } => (json, row) => json.Add(value(row)),
        SentColumn<TRow, DateTimeOffset> { ValueOf: var value } => (json, row) => json.Add(value(row)),
        _ => throw new NotSupportedException($"Column {column.Name} has values of a type that cannot be sent."),
    };
}
