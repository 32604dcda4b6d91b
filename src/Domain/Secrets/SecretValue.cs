using System.Diagnostics;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Secrets.Domain.Text;

namespace Secrets.Domain.Secrets;

/// <summary>
/// A credential in the clear. It prints as <c>***</c>, has no property for a serialiser or logger to find, and refuses to be
/// written as JSON; <see cref="Reveal"/> is the one way out and can be searched for.
/// </summary>
[DebuggerDisplay("***")]
[JsonConverter(typeof(ReadOnlyConverter))]
public sealed class SecretValue
{
    /// <summary>Length of a user's value where nothing else is configured.</summary>
    public static readonly TextLength LengthOfUser = new(4, 1024);

    /// <summary>Length of an organisation's value.</summary>
    public static readonly TextLength LengthOfOrganization = new(1, 45_000);

    /// <summary>The most that can be configured as the longest value of a user, in code points. All of it escaped as JSON still fits a request body.</summary>
    public const int LargestMaximum = 65_536;

    private readonly string _plaintext;

    /// <summary>Takes a plaintext in. Its length is validated where it comes in.</summary>
    public SecretValue(string plaintext) => _plaintext = plaintext;

    /// <summary>The plaintext. Every caller is a place where a value leaves its wrapper.</summary>
    public string Reveal() => _plaintext;

    /// <summary>Whether the value is that text, which is no secret.</summary>
    public bool Is(string text) => string.Equals(_plaintext, text, StringComparison.Ordinal);

    /// <summary>Bytes that the value takes in UTF-8: what the quota counts.</summary>
    public int CountBytes() => Encoding.UTF8.GetByteCount(_plaintext);

    /// <inheritdoc />
    public override string ToString() => "***";

    private sealed class ReadOnlyConverter : JsonConverter<SecretValue>
    {
        public override SecretValue? Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            reader.TokenType == JsonTokenType.String ? new SecretValue(reader.GetString()!) : throw new JsonException();

        public override void Write(Utf8JsonWriter writer, SecretValue value, JsonSerializerOptions options) =>
            throw new NotSupportedException("A secret value is never serialised.");
    }
}
