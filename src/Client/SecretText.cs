using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Secrets.Client;

/// <summary>
/// The text of a credential. It prints as <c>***</c>, and only the client itself can serialise it, so a log, an error or a debugger's
/// watch does not show it by accident. Disposing it overwrites the characters; copies made by <see cref="Reveal"/> or on the way through
/// the network are beyond its reach.
/// </summary>
[JsonConverter(typeof(Refusal))]
public sealed class SecretText : IDisposable
{
    // Pinned, or the garbage collector might leave copies behind where nobody overwrites them.
    private char[]? _text;

    /// <summary>A copy of that text.</summary>
    public SecretText(ReadOnlySpan<char> text)
    {
        _text = GC.AllocateArray<char>(text.Length, pinned: true);
        text.CopyTo(_text);
    }

    /// <summary>The text itself.</summary>
    /// <exception cref="ObjectDisposedException">It was overwritten.</exception>
    public string Reveal() => new(Characters);

    /// <summary>Overwrites the text.</summary>
    public void Dispose()
    {
        Array.Clear(_text ?? []);
        _text = null;
    }

    /// <summary>Never the text.</summary>
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

    /// <summary>How the client reads and writes it.</summary>
    internal sealed class Converter : JsonConverter<SecretText>
    {
        public override SecretText Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
        {
            if (reader.TokenType != JsonTokenType.String)
            {
                throw new JsonException();
            }

            // Not GetString: what it makes cannot be overwritten.
            var room = new char[reader.HasValueSequence ? checked((int)reader.ValueSequence.Length) : reader.ValueSpan.Length];
            try
            {
                return new SecretText(room.AsSpan(0, reader.CopyString(room)));
            }
            finally
            {
                Array.Clear(room);
            }
        }

        public override void Write(Utf8JsonWriter writer, SecretText value, JsonSerializerOptions options) =>
            writer.WriteStringValue(value.Characters);
    }

    /// <summary>What everybody else gets.</summary>
    private sealed class Refusal : JsonConverter<SecretText>
    {
        public override SecretText Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => throw Refused();

        public override void Write(Utf8JsonWriter writer, SecretText value, JsonSerializerOptions options) => throw Refused();

        private static NotSupportedException Refused() =>
            new($"A {nameof(SecretText)} is not serialised; {nameof(Reveal)} it where the value is needed.");
    }
}
