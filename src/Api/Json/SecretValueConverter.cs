using System.Text.Json;
using System.Text.Json.Serialization;

namespace Secrets.Api.Json;

/// <summary>Reads the values of a request. They are cleared at the end of the request, even after a failure.</summary>
internal sealed class SecretValueConverter(IHttpContextAccessor http) : JsonConverter<SecretValue>
{
    public override SecretValue Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        http.HttpContext!.Response.DisposeAfter(SecretValue.Read(ref reader));

    public override void Write(Utf8JsonWriter writer, SecretValue value, JsonSerializerOptions options) =>
        throw new NotSupportedException("A secret value is never serialised.");
}
