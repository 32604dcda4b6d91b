using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Secrets.Api.V1;

/// <summary>
/// Writes a value as JSON, which <see cref="SecretValue"/> itself refuses. Only the member that hands values to a runtime names this converter,
/// so nothing else can print, log or serialise the value.
/// </summary>
internal sealed class RevealedValue : JsonConverter<SecretValue>
{
    // The longest escape of one byte is \u0000.
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

        // Escape here, because the writer would escape in a buffer that is never cleared.
        using var buffer = ClearingPool.Shared.Rent(2 + (MaxEscaped * plaintext.Bytes.Length));
        var json = buffer.Memory.Span;
        json[0] = (byte)'"';
        encoder.EncodeUtf8(plaintext.Bytes, json[1..], out _, out var written);
        json[written + 1] = (byte)'"';
        writer.WriteRawValue(json[..(written + 2)], skipInputValidation: true);
    }
}
