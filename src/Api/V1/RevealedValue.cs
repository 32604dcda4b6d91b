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
    public override SecretValue Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        throw new NotSupportedException("A revealed value is only ever written.");

    public override void Write(Utf8JsonWriter writer, SecretValue value, JsonSerializerOptions options) =>
        writer.WriteStringValue(value.Reveal());
}
