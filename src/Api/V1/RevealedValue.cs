using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using Secrets.Domain.Secrets;

namespace Secrets.Api.V1;

/// <summary>
/// Writes a value as JSON, which a value by itself refuses. It is named on the one member that hands values to a runtime, so whatever
/// else prints, logs or serialises that answer meets a <see cref="SecretValue"/>.
/// </summary>
internal sealed class RevealedValue : JsonConverter<SecretValue>
{
    // One byte becomes \u0000 at most.
    private const int MaxEscaped = 6;

    public override SecretValue Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        throw new NotSupportedException("A revealed value is only ever written.");

    public override void Write(Utf8JsonWriter writer, SecretValue value, JsonSerializerOptions options)
    {
        using var plaintext = value.Reveal();
        var encoder = options.Encoder ?? JavaScriptEncoder.Default;
        if (encoder.FindFirstCharacterToEncodeUtf8(plaintext.Bytes) < 0)
        {
            writer.WriteStringValue(plaintext.Bytes);
            return;
        }

        // The writer would escape it in a buffer that nobody clears.
        using var buffer = ClearingPool.Shared.Rent(2 + (MaxEscaped * plaintext.Bytes.Length));
        var json = buffer.Memory.Span;
        json[0] = (byte)'"';
        encoder.EncodeUtf8(plaintext.Bytes, json[1..], out _, out var written);
        json[written + 1] = (byte)'"';
        writer.WriteRawValue(json[..(written + 2)], skipInputValidation: true);
    }
}
