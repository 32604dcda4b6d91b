using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Secrets.Client;

/// <summary>
/// The text of a credential. It prints as <c>***</c>, and only the client can serialise it, so that logs, errors and debuggers do not
/// show it by accident. Disposing overwrites the text. Copies in network buffers, or made by <see cref="Reveal"/>, are not overwritten.
/// </summary>
[JsonConverter(typeof(ThrowingConverter))]
public sealed class SecretText : IDisposable
{
    // Pinned: the garbage collector moves other arrays, and nothing overwrites the copy it leaves behind.
    private char[]? _text;

    /// <summary>Copies the text.</summary>
    public SecretText(ReadOnlySpan<char> text)
    {
        _text = GC.AllocateArray<char>(text.Length, pinned: true);
        text.CopyTo(_text);
    }

    /// <summary>Returns the text as a string, which cannot be overwritten.</summary>
    /// <exception cref="ObjectDisposedException">The text was overwritten.</exception>
    public string Reveal() => new(Characters);

    /// <summary>Overwrites the text.</summary>
    public void Dispose()
    {
        Array.Clear(_text ?? []);
        _text = null;
    }

    /// <summary>Returns <c>***</c>, never the text.</summary>
    public override string ToString() => "***";

    [return: NotNullIfNotNull(nameof(text))]
    public static implicit operator SecretText?(string? text) => text is null ? null : new SecretText(text);

    private ReadOnlySpan<char> Characters
    {
        get
        {
            ObjectDisposedException.ThrowIf(_text is null, this);
            return _text;
        }
    }

    /// <summary>Reads and writes the text. Only the client's own serialiser options contain this converter.</summary>
    internal sealed class Converter : JsonConverter<SecretText>
    {
        public override SecretText Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
        {
            if (reader.TokenType != JsonTokenType.String)
            {
                throw new JsonException();
            }

            // GetString would make a string, which cannot be overwritten.
            var buffer = new char[reader.HasValueSequence ? checked((int)reader.ValueSequence.Length) : reader.ValueSpan.Length];
            try
            {
                return new SecretText(buffer.AsSpan(0, reader.CopyString(buffer)));
            }
            finally
            {
                Array.Clear(buffer);
            }
        }

        public override void Write(Utf8JsonWriter writer, SecretText value, JsonSerializerOptions options) =>
            writer.WriteStringValue(value.Characters);
    }

    /// <summary>Throws in every other serialiser, such as that of a log.</summary>
    private sealed class ThrowingConverter : JsonConverter<SecretText>
    {
        public override SecretText Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => throw NotSupported();

        public override void Write(Utf8JsonWriter writer, SecretText value, JsonSerializerOptions options) => throw NotSupported();

        private static NotSupportedException NotSupported() =>
            new($"A {nameof(SecretText)} cannot be serialised. Call {nameof(Reveal)} where the value is needed.");
    }
}
