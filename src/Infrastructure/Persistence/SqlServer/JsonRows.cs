using System.Buffers;
using System.Data;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Microsoft.Data.SqlClient;

namespace Secrets.Infrastructure.Persistence.SqlServer;

/// <summary>
/// Sends rows as one parameter, a JSON array of arrays for OPENJSON. A parameter for each value would exceed the limit of 2,100. A table type would have to
/// change with the schema while replicas of the former version still use it.
/// </summary>
internal static class JsonRows
{
    private static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true };

    public static SqlParameter FromItems<T>(string name, IEnumerable<T> items, Action<Utf8JsonWriter, T> write)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer, Options))
        {
            writer.WriteStartArray();
            foreach (var item in items)
            {
                writer.WriteStartArray();
                write(writer, item);
                writer.WriteEndArray();
            }

            writer.WriteEndArray();
        }

        return new SqlParameter(name, SqlDbType.NVarChar, size: -1) { Value = Encoding.UTF8.GetString(buffer.WrittenSpan) };
    }

    /// <summary>Puts a name in brackets, because some column names are keywords.</summary>
    public static string Quote(string name) => $"[{name}]";

    /// <summary>Adds bytes in base64, which OPENJSON decodes into a binary column.</summary>
    public static void Add(this Utf8JsonWriter writer, byte[]? bytes)
    {
        if (bytes is null)
        {
            writer.WriteNullValue();
        }
        else
        {
            writer.WriteBase64StringValue(bytes);
        }
    }

    public static void Add(this Utf8JsonWriter writer, Guid? id) => writer.Add(id is { } some ? UuidBytes.ToStored(some) : null);

    public static void Add(this Utf8JsonWriter writer, string? text) => writer.WriteStringValue(text);

    /// <summary>Adds text of a compared column.</summary>
    public static void AddCompared(this Utf8JsonWriter writer, string? text) => writer.Add(text is null ? null : ComparedText.ToStored(text));

    public static void Add(this Utf8JsonWriter writer, long? number)
    {
        if (number is { } some)
        {
            writer.WriteNumberValue(some);
        }
        else
        {
            writer.WriteNullValue();
        }
    }

    public static void Add(this Utf8JsonWriter writer, bool value) => writer.WriteBooleanValue(value);

    public static void Add(this Utf8JsonWriter writer, DateTimeOffset moment) => writer.WriteStringValue(WholeMicroseconds.ToStored(moment));
}
