using System.Text.Json;
using System.Text.Json.Serialization;

namespace Secrets.Client;

/// <summary>
/// A member of a partial update. Left out, which is the default, it leaves things as they are; given, also as null, it is sent. A plain
/// null could not say which of the two is meant.
/// </summary>
[JsonConverter(typeof(OptionalConverter))]
public readonly record struct Optional<T>
{
    /// <summary>Something to send; null is sent as null.</summary>
    public Optional(T value) => (Value, IsGiven) = (value, true);

    /// <summary>Whether it is sent.</summary>
    public bool IsGiven { get; }

    /// <summary>What is sent; meaningless where it is not <see cref="IsGiven"/>.</summary>
    public T Value { get; }

    public static implicit operator Optional<T>(T value) => new(value);

    /// <summary>Whether there is something, never what: a name or value may be nobody's business.</summary>
    public override string ToString() => IsGiven ? "given" : "left out";
}

/// <summary>Writes what is given; what is left out never comes here (the generated members say so).</summary>
internal sealed class OptionalConverter : JsonConverterFactory
{
    public override bool CanConvert(Type typeToConvert) =>
        typeToConvert.IsGenericType && typeToConvert.GetGenericTypeDefinition() == typeof(Optional<>);

    public override JsonConverter CreateConverter(Type typeToConvert, JsonSerializerOptions options) =>
        (JsonConverter)Activator.CreateInstance(typeof(Of<>).MakeGenericType(typeToConvert.GetGenericArguments()))!;

    private sealed class Of<T> : JsonConverter<Optional<T>>
    {
        public override bool HandleNull => true;

        public override Optional<T> Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            new(JsonSerializer.Deserialize<T>(ref reader, options)!);

        public override void Write(Utf8JsonWriter writer, Optional<T> value, JsonSerializerOptions options) =>
            JsonSerializer.Serialize(writer, value.Value, options);
    }
}
