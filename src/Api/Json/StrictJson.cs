using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using System.Text.Unicode;

namespace Secrets.Api.Json;

/// <summary>
/// Reads a JSON body into a model. Reports all missing members and wrong types together. The use cases validate the content. No error repeats submitted data.
/// </summary>
internal static class StrictJson
{
    private const int MaxDepth = 64;

    // The most unknown members that are reported.
    private const int MaxUnknown = 10;

    private static readonly JsonDocumentOptions Strict = new() { MaxDepth = MaxDepth, AllowDuplicateProperties = false };

    private static readonly ConcurrentDictionary<Type, Expectation> Expectations = new();

    /// <summary>Parses a body; null: an empty body, or JSON null.</summary>
    /// <exception cref="InvalidRequestException">The body is no JSON object of the model's shape.</exception>
    public static object? Read(ReadOnlyMemory<byte> body, Type model, JsonSerializerOptions options)
    {
        var json = body.Span.StartsWith("\uFEFF"u8) ? body[3..] : body;
        if (json.IsEmpty)
        {
            return null;
        }

        using var document = Parse(json);
        return document.RootElement.ValueKind switch
        {
            JsonValueKind.Null => null,
            JsonValueKind.Object => Read(document.RootElement, options.GetTypeInfo(model), options),
            _ => throw new InvalidRequestException("", Codes.BadValue, "Must be a JSON object."),
        };
    }

    private static JsonDocument Parse(ReadOnlyMemory<byte> json)
    {
        try
        {
            // The parser does not check the UTF-8 of strings that nobody reads, such as unknown members.
            return Utf8.IsValid(json.Span) ? JsonDocument.Parse(json, Strict) : throw new JsonException();
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            // InvalidOperationException: a member's name has an unpaired surrogate and cannot be compared with others.
            throw new InvalidRequestException(
                "", Codes.BadJson, $"Must be JSON in UTF-8, no deeper than {MaxDepth} levels, with no member named twice in one object.");
        }
    }

    private static object Read(JsonElement json, JsonTypeInfo model, JsonSerializerOptions options)
    {
        var result = model.CreateObject!();
        var violations = new List<Violation>();
        var known = 0;
        foreach (var property in model.Properties)
        {
            if (!json.TryGetProperty(property.Name, out var element))
            {
                if (property.IsRequired)
                {
                    violations.Add(new Violation(property.Name, Codes.Missing, "Is required."));
                }

                continue;
            }

            known++;
            var expected = Expectations.GetOrAdd(property.PropertyType, ExpectationOf);
            if (expected.Item is { } item && element.ValueKind == JsonValueKind.Array)
            {
                property.Set!(result, ReadList(element, property, options.GetTypeInfo(item), options, violations));
            }
            else if (element.ValueKind == JsonValueKind.Object && options.GetTypeInfo(property.PropertyType) is { Kind: JsonTypeInfoKind.Object } nested)
            {
                property.Set!(result, ReadNested(element, property.Name, nested, options, violations));
            }
            else if (TryRead(element, property, expected, options, out var value) is { } violation)
            {
                violations.Add(violation);
            }
            else
            {
                property.Set!(result, value);
            }
        }

        if (known < json.GetPropertyCount())
        {
            violations.AddRange(JudgeUnknown(json, model, known));
        }

        return violations.Count == 0 ? result : throw new InvalidRequestException(violations);
    }

    private static IEnumerable<Violation> JudgeUnknown(JsonElement json, JsonTypeInfo model, int known)
    {
        if (model.UnmappedMemberHandling == JsonUnmappedMemberHandling.Disallow)
        {
            return json.EnumerateObject()
                .Where(member => !model.Properties.Any(property => member.NameEquals(property.Name)))
                .Take(MaxUnknown)
                .Select(member => new Violation("", Codes.Unknown, "Is not a member of this request.") { Unknown = member.Name });
        }

        return known == 0 && model.Type.IsDefined(typeof(NeedsKnownMemberAttribute), inherit: false)
            ? [new Violation("", Codes.BadValue, "Has no member that this request knows.")]
            : [];
    }

    /// <summary>Reads a list of objects. Stops after the first invalid object, because a list may be long. Errors start with the object's place.</summary>
    private static object? ReadList(JsonElement list, JsonPropertyInfo property, JsonTypeInfo item, JsonSerializerOptions options, List<Violation> violations)
    {
        var at = 0;
        foreach (var element in list.EnumerateArray())
        {
            var place = $"{property.Name}[{at++}]";
            if (element.ValueKind != JsonValueKind.Object)
            {
                violations.Add(new Violation(place, Codes.NotObject, "Must be a JSON object."));
                return null;
            }

            if (ReadNested(element, place, item, options, violations) is null)
            {
                return null;
            }
        }

        return list.Deserialize(property.PropertyType, options);
    }

    /// <summary>Reads a nested object. Errors start with its place.</summary>
    private static object? ReadNested(JsonElement element, string place, JsonTypeInfo model, JsonSerializerOptions options, List<Violation> violations)
    {
        try
        {
            return Read(element, model, options);
        }
        catch (InvalidRequestException exception)
        {
            violations.AddRange(exception.Violations.Select(violation => violation with { Member = $"{place}.{violation.Member}" }));
            return null;
        }
    }

    private static Violation? TryRead(JsonElement element, JsonPropertyInfo property, Expectation expected, JsonSerializerOptions options, out object? value)
    {
        value = null;
        var (kind, code, message, _) = expected;
        if (element.ValueKind == JsonValueKind.Null)
        {
            // Optional is a struct, so the serializer treats the member as not nullable.
            if (!property.IsSetNullable && !Optional.Is(property.PropertyType))
            {
                return new Violation(property.Name, code, message);
            }
        }
        else if (kind == element.ValueKind && FaultyText(element, property.Name) is { } violation)
        {
            return violation;
        }
        else if (kind == JsonValueKind.String && element.ValueKind == kind && property.PropertyType == typeof(string))
        {
            value = element.GetString();
            return null;
        }

        try
        {
            value = element.Deserialize(property.PropertyType, options);
            return null;
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException or FormatException)
        {
            return new Violation(property.Name, code, message);
        }
    }

    /// <summary>The first invalid text in a member. The error does not repeat the names in an object.</summary>
    private static Violation? FaultyText(JsonElement element, string place)
    {
        switch (element.ValueKind)
        {
            case JsonValueKind.String:
                return FaultOf(element)?.At(place);
            case JsonValueKind.Array:
                var at = 0;
                foreach (var item in element.EnumerateArray())
                {
                    if (FaultOf(item) is { } fault)
                    {
                        return fault.At($"{place}[{at}]");
                    }

                    at++;
                }

                return null;
            case JsonValueKind.Object:
                foreach (var member in element.EnumerateObject())
                {
                    if (FaultOf(member.Value) is { } fault)
                    {
                        return fault.At(place);
                    }
                }

                return null;
            default:
                return null;
        }
    }

    private static Fault? FaultOf(JsonElement text) =>
        text.ValueKind != JsonValueKind.String ? new Fault(Codes.NotString, "Must be a string.")
        : !IsUnicode(text) ? new Fault(Codes.BadValue, "Must not contain an unpaired surrogate.")
        : null;

    private static bool IsUnicode(JsonElement element)
    {
        // In valid UTF-8, a surrogate can only appear as an escape.
        var json = JsonMarshal.GetRawUtf8Value(element);
        if (!json.Contains((byte)'\\'))
        {
            return true;
        }

        // The text may be a value, so it must not become a string.
        using var text = ClearingPool.Shared.Rent(json.Length);
        var reader = new Utf8JsonReader(json);
        try
        {
            return reader.Read() && reader.CopyString(text.Memory.Span) >= 0;
        }
        catch (InvalidOperationException)
        {
            return false;
        }
    }

    private static Expectation ExpectationOf(Type type)
    {
        if (Optional.Is(type))
        {
            type = type.GetGenericArguments()[0];
        }

        type = Nullable.GetUnderlyingType(type) ?? type;
        return type switch
        {
            _ when type == typeof(string) || type == typeof(SecretValue) => new(JsonValueKind.String, Codes.NotString, "Must be a string."),
            _ when type == typeof(bool) => new(JsonValueKind.True, Codes.NotBool, "Must be true or false."),
            _ when type == typeof(int) || type == typeof(long) => new(JsonValueKind.Number, Codes.NotInteger, "Must be a whole number."),
            _ when type == typeof(Guid) => new(JsonValueKind.String, Codes.NotUuid, "Must be a uuid."),
            _ when type == typeof(DateTimeOffset) => new(JsonValueKind.String, Codes.NotDateTime, Moments.Rule),
            _ when type == typeof(IReadOnlyList<string>) => new(JsonValueKind.Array, Codes.NotList, "Must be a list of strings."),
            _ when ItemOf(type) is { } item => new(JsonValueKind.Array, Codes.NotList, "Must be a list of objects.", item),
            _ when type == typeof(OrderedDictionary<string, string>) =>
                new(JsonValueKind.Object, Codes.NotObject, "Must be an object whose members are strings."),
            _ when type.IsDefined(typeof(JsonUnmappedMemberHandlingAttribute), inherit: false) => new(JsonValueKind.Object, Codes.NotObject, "Must be a JSON object."),
            _ => throw new NotSupportedException($"{type} is not supported in JSON bodies."),
        };
    }

    /// <summary>The model of the objects in a list; null: the type is no list.</summary>
    private static Type? ItemOf(Type type) =>
        type.IsGenericType && type.GetGenericTypeDefinition() == typeof(IReadOnlyList<>) ? type.GetGenericArguments()[0] : null;

    /// <summary>What a member must be.</summary>
    /// <param name="Kind">The JSON kind for the member's type.</param>
    /// <param name="Code">The code of the error for any other kind.</param>
    /// <param name="Message">Its message.</param>
    /// <param name="Item">The model of the objects in a list; null: the type is no list of objects.</param>
    private sealed record Expectation(JsonValueKind Kind, string Code, string Message, Type? Item = null);

    private readonly record struct Fault(string Code, string Message)
    {
        public Violation At(string place) => new(place, Code, Message);
    }
}

/// <summary>
/// Marks a model whose unknown members are ignored. A body with only unknown members is refused: its sender wants a change, and nothing would change.
/// </summary>
[AttributeUsage(AttributeTargets.Class)]
internal sealed class NeedsKnownMemberAttribute : Attribute;
