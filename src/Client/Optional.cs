using System.Text.Json;
using System.Text.Json.Serialization;

namespace Secrets.Client;

/// <summary>
/// A member of a partial update. A member that is left out, the default, is not sent and changes nothing. A given member is sent, null too.
/// A plain nullable type could not distinguish null from "left out".
/// </summary>
[JsonConverter(typeof(OptionalConverter))]
public readonly record struct Optional<T>
{
    /// <summary>Creates a member that is sent, null too.</summary>
    public Optional(T value) => (Value, IsGiven) = (value, true);

    /// <summary>Whether the member is sent.</summary>
    public bool IsGiven { get; }

    /// <summary>The value to send. Without meaning unless <see cref="IsGiven"/> is true.</summary>
    public T Value { get; }

    public static implicit operator Optional<T>(T value) => new(value);

    /// <summary>Says whether the member is given. The value is not printed, because it may be confidential.</summary>
    public override string ToString() => IsGiven ? "given" : "left out";
}

/// <summary>Writes given members. The attribute <see cref="JsonIgnoreAttribute"/> of the generated members skips those that are left out.</summary>
internal sealed class OptionalConverter : JsonConverterFactory
{
    public override bool CanConvert(Type typeToConvert) =>
        typeToConvert.IsGenericType && typeToConvert.GetGenericTypeDefinition() == typeof(Optional<>);

    public override JsonConverter CreateConverter(Type typeToConvert, JsonSerializerOptions options) =>
        (JsonConverter)Activator.CreateInstance(typeof(TypedConverter<>).MakeGenericType(typeToConvert.GetGenericArguments()))!;

    private sealed class TypedConverter<T> : JsonConverter<Optional<T>>
    {
        public override bool HandleNull => true;

        public override Optional<T> Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            new(JsonSerializer.Deserialize<T>(ref reader, options)!);

        public override void Write(Utf8JsonWriter writer, Optional<T> value, JsonSerializerOptions options) =>
            JsonSerializer.Serialize(writer, value.Value, options);
    }
}
