using System.Buffers;
using System.Data;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Microsoft.Data.SqlClient;

namespace Secrets.Infrastructure.Persistence.SqlServer;

/// <summary>
/// Sends rows as two parameters: a JSON array of arrays, which OPENJSON reads, and the binary values of all rows in one piece, in which the JSON says where each
/// value lies. Made once for a statement. A parameter for each value would exceed the limit of 2,100. A table type would have to change with the schema while
/// replicas of the former version still use it.
/// </summary>
/// <remarks>
/// Nothing here depends on base64, on escapes other than <c>\uXXXX</c> or on long values in JSON, because Babelfish differs in each of these from SQL Server.
/// Text is at most 2,048 UTF-16 units (<see cref="EscapeFreeText"/>).
/// </remarks>
internal sealed class SentRows<TRow>
{
    private const string StandIns = "stand_ins";
    private const string Length = "_length";

    private static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true };

    private readonly string _parameter;
    private readonly Action<Writer, TRow>[] _writers;
    private readonly Func<TRow, string?>[] _texts;

    /// <summary>Takes the sent columns of a list.</summary>
    /// <param name="parameter">The name of the JSON parameter, such as <c>@rows</c>. The binary values are in <c>@rows_bytes</c>.</param>
    /// <param name="columns">The columns; those that are not sent are ignored.</param>
    public SentRows(string parameter, params IEnumerable<Column<TRow>> columns)
    {
        var sent = columns.OfType<SentColumn<TRow>>().ToList();
        _parameter = parameter;
        _writers = [.. sent.Select(WriterOf)];
        _texts = [.. sent.Where(column => column.Kind is ColumnKind.Text or ColumnKind.Hashed).Cast<SentColumn<TRow, string?>>().Select(column => column.ValueOf)];
        var values = sent.Select(column => $"{ValueOf(column.Kind, column.Name, $"{parameter}_bytes")} AS {Quote(column.Name)}");
        var schema = sent.SelectMany(SchemaOf).Append((Name: StandIns, Type: "nvarchar(64)"))
            .Select((column, place) => string.Create(CultureInfo.InvariantCulture, $"{Quote(column.Name)} {column.Type} '$[{place}]'"));
        Source = $"(SELECT {string.Join(", ", values)} FROM OPENJSON({parameter}) WITH ({string.Join(", ", schema)})) AS i";
    }

    /// <summary>The rows as a table <c>i</c>, for FROM.</summary>
    public string Source { get; }

    /// <summary>Puts a name in brackets, because some column names are keywords.</summary>
    public static string Quote(string name) => $"[{name}]";

    /// <summary>Adds the parameters to a command.</summary>
    public void AddTo(SqlCommand command, IEnumerable<TRow> rows)
    {
        var (json, bytes) = (new ArrayBufferWriter<byte>(), new ArrayBufferWriter<byte>());
        using (var writer = new Utf8JsonWriter(json, Options))
        {
            writer.WriteStartArray();
            foreach (var row in rows)
            {
                var values = new Writer(writer, bytes, EscapeFreeText.FindStandIns(Array.ConvertAll(_texts, text => text(row))));
                writer.WriteStartArray();
                foreach (var write in _writers)
                {
                    write(values, row);
                }

                writer.WriteStringValue(values.StandIns);
                writer.WriteEndArray();
            }

            writer.WriteEndArray();
        }

        command.Parameters.Add(new SqlParameter(_parameter, SqlDbType.NVarChar, size: -1) { Value = Encoding.UTF8.GetString(json.WrittenSpan) });
        command.Parameters.Add(new SqlParameter($"{_parameter}_bytes", SqlDbType.VarBinary, size: -1) { Value = bytes.WrittenSpan.ToArray() });
    }

    private static IEnumerable<(string Name, string Type)> SchemaOf(SentColumn<TRow> column) => column.Kind switch
    {
        ColumnKind.Uuid or ColumnKind.Hash => [(column.Name, "int")],
        ColumnKind.Bytes => [(column.Name, "int"), (column.Name + Length, "int")],
        ColumnKind.Flag => [(column.Name, "bit")],
        ColumnKind.Tiny => [(column.Name, "tinyint")],
        ColumnKind.Small => [(column.Name, "smallint")],
        ColumnKind.Number => [(column.Name, "int")],
        ColumnKind.Large => [(column.Name, "bigint")],
        ColumnKind.Text or ColumnKind.Hashed => [(column.Name, "nvarchar(max)")],
        ColumnKind.Moment => [(column.Name, "datetimeoffset(6)")],
        _ => throw new NotSupportedException($"Column {column.Name} has values of a kind that cannot be sent."),
    };

    private static string ValueOf(ColumnKind kind, string name, string bytes) => kind switch
    {
        ColumnKind.Uuid => $"CAST(SUBSTRING({bytes}, {Quote(name)}, 16) AS {UuidBytes.ColumnType})",
        ColumnKind.Hash => $"CAST(SUBSTRING({bytes}, {Quote(name)}, 32) AS binary(32))",
        ColumnKind.Bytes => $"SUBSTRING({bytes}, {Quote(name)}, {Quote(name + Length)})",
        ColumnKind.Text => EscapeFreeText.Restored(Quote(name), Quote(StandIns)),
        ColumnKind.Hashed => OwnerKey.Hash(EscapeFreeText.Restored(Quote(name), Quote(StandIns))),
        _ => Quote(name),
    };

    private static Action<Writer, TRow> WriterOf(SentColumn<TRow> column) => column switch
    {
        SentColumn<TRow, Guid> { ValueOf: var value } => (row, item) => row.AddFixed(UuidBytes.ToStored(value(item))),
        SentColumn<TRow, Guid?> { ValueOf: var value } => (row, item) => row.AddFixed(value(item) is { } id ? UuidBytes.ToStored(id) : null),
        SentColumn<TRow, bool> { ValueOf: var value } => (row, item) => row.Json.WriteBooleanValue(value(item)),
        SentColumn<TRow, short> { ValueOf: var value } => (row, item) => row.Json.WriteNumberValue(value(item)),
        SentColumn<TRow, short?> { ValueOf: var value } => (row, item) => row.Add(value(item)),
        SentColumn<TRow, int> { ValueOf: var value } => (row, item) => row.Json.WriteNumberValue(value(item)),
        SentColumn<TRow, int?> { ValueOf: var value } => (row, item) => row.Add(value(item)),
        SentColumn<TRow, long> { ValueOf: var value } => (row, item) => row.Json.WriteNumberValue(value(item)),
        SentColumn<TRow, long?> { ValueOf: var value } => (row, item) => row.Add(value(item)),
        SentColumn<TRow, string?> { ValueOf: var value } => (row, item) => row.Json.WriteStringValue(EscapeFreeText.Replace(value(item), row.StandIns)),
        SentColumn<TRow, byte[]?> { Kind: ColumnKind.Hash, ValueOf: var value } => (row, item) => row.AddFixed(value(item)),
        SentColumn<TRow, byte[]?> { ValueOf: var value } => (row, item) => row.AddVariable(value(item)),
        SentColumn<TRow, DateTimeOffset> { ValueOf: var value } => (row, item) => row.Json.WriteStringValue(WholeMicroseconds.ToStored(value(item))),
        _ => throw new NotSupportedException($"Column {column.Name} has values of a type that cannot be sent."),
    };

    private readonly record struct Writer(Utf8JsonWriter Json, ArrayBufferWriter<byte> Bytes, string? StandIns)
    {
        public void Add(long? number)
        {
            if (number is { } some)
            {
                Json.WriteNumberValue(some);
            }
            else
            {
                Json.WriteNullValue();
            }
        }

        /// <summary>Adds a binary value of a size that the column has: its place, from 1.</summary>
        public void AddFixed(byte[]? value)
        {
            Add(value is null ? null : Bytes.WrittenCount + 1);
            Bytes.Write(value);
        }

        /// <summary>Adds a binary value of any size: its place and its length.</summary>
        public void AddVariable(byte[]? value)
        {
            AddFixed(value);
            Add(value?.Length);
        }
    }
}
