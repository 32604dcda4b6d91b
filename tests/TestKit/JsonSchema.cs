using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Secrets.TestKit;

/// <summary>
/// Validates JSON against the part of JSON Schema that the published API documents use. An unknown keyword throws, so that nothing passes
/// unchecked.
/// </summary>
public sealed class JsonSchema(JsonNode document)
{
    private static readonly string[] Annotations = ["title", "description", "examples", "writeOnly"];

    /// <summary>The violations of the schema, as "path: reason"; empty for a valid instance.</summary>
    public IEnumerable<string> Errors(JsonNode schema, JsonNode? instance, string path = "$") =>
        schema.AsObject().SelectMany(keyword => Check(schema.AsObject(), keyword.Key, keyword.Value!, instance, path));

    /// <summary>The schema of a reference such as <c>#/components/schemas/Name</c>.</summary>
    public JsonNode Resolve(string reference) =>
        reference.Split('/').Skip(1).Aggregate(document, (node, step) => node[step] ?? throw new KeyNotFoundException(reference));

    private IEnumerable<string> Check(JsonObject schema, string keyword, JsonNode argument, JsonNode? instance, string path) => keyword switch
    {
        "$ref" => Errors(Resolve(argument.GetValue<string>()), instance, path),
        "type" => Expect(
            argument is JsonArray types ? types.Any(type => IsOfType(instance, type!.GetValue<string>())) : IsOfType(instance, argument.GetValue<string>()),
            $"{path}: is not of type {argument.ToJsonString()}"),
        "enum" => Expect(argument.AsArray().Any(option => JsonNode.DeepEquals(option, instance)), $"{path}: is not one of {argument.ToJsonString()}"),
        "anyOf" => Expect(argument.AsArray().Any(option => !Errors(option!, instance, path).Any()), $"{path}: matches none of anyOf"),
        "oneOf" => Expect(
            argument.AsArray().Count(option => !Errors(option!, instance, path).Any()) == 1, $"{path}: does not match exactly one of oneOf"),
        "maxItems" => Expect(instance is not JsonArray list || list.Count <= argument.GetValue<int>(), $"{path}: has too many items"),
        "minimum" => Expect(Number(instance) is not { } number || number >= argument.GetValue<long>(), $"{path}: is too small"),
        "maximum" => Expect(Number(instance) is not { } number || number <= argument.GetValue<long>(), $"{path}: is too large"),
        "additionalProperties" => instance is JsonObject values && !schema.ContainsKey("properties")
            ? values.SelectMany(member => Errors(argument, member.Value, $"{path}.{member.Key}"))
            : [],
        "items" => instance is JsonArray array ? array.SelectMany((item, at) => Errors(argument, item, $"{path}[{at}]")) : [],
        "properties" => instance is JsonObject members
            ? argument.AsObject().Where(property => members.ContainsKey(property.Key))
                .SelectMany(property => Errors(property.Value!, members[property.Key], $"{path}.{property.Key}"))
            : [],
        "required" => instance is JsonObject members
            ? argument.AsArray().Select(name => name!.GetValue<string>()).Where(name => !members.ContainsKey(name))
                .Select(name => $"{path}: lacks {name}")
            : [],
        "minLength" => Expect(Text(instance) is not { } text || Length(text) >= argument.GetValue<int>(), $"{path}: is too short"),
        "maxLength" => Expect(Text(instance) is not { } text || Length(text) <= argument.GetValue<int>(), $"{path}: is too long"),
        "format" => Expect(Text(instance) is not { } text || HasFormat(text, argument.GetValue<string>()), $"{path}: is not a {argument}"),
        _ when Annotations.Contains(keyword, StringComparer.Ordinal) => [],
        _ => throw new NotSupportedException($"The schema keyword {keyword} is not supported: {schema.ToJsonString()}"),
    };

    private static IEnumerable<string> Expect(bool holds, string error) => holds ? [] : [error];

    private static bool IsOfType(JsonNode? instance, string type) => (type, instance?.GetValueKind() ?? JsonValueKind.Null) switch
    {
        ("null", JsonValueKind.Null) => true,
        ("string", JsonValueKind.String) => true,
        ("boolean", JsonValueKind.True or JsonValueKind.False) => true,
        ("integer", JsonValueKind.Number) => instance!.AsValue().TryGetValue<long>(out _),
        ("number", JsonValueKind.Number) => true,
        ("array", JsonValueKind.Array) => true,
        ("object", JsonValueKind.Object) => true,
        ("null" or "string" or "boolean" or "integer" or "number" or "array" or "object", _) => false,
        _ => throw new NotSupportedException($"The schema type {type} is not supported."),
    };

    private static long? Number(JsonNode? instance) =>
        instance?.GetValueKind() == JsonValueKind.Number ? instance.GetValue<long>() : null;

    private static string? Text(JsonNode? instance) =>
        instance?.GetValueKind() == JsonValueKind.String ? instance.GetValue<string>() : null;

    /// <summary>The length in code points, as JSON Schema counts it.</summary>
    private static int Length(string text) => text.EnumerateRunes().Count();

    private static bool HasFormat(string text, string format) => format switch
    {
        "int32" or "int64" or "password" => true,
        "uuid" => Guid.TryParseExact(text, "D", out _),
        "date-time" => DateTimeOffset.TryParseExact(
            text, ["yyyy-MM-dd'T'HH:mm:ssK", "yyyy-MM-dd'T'HH:mm:ss.FFFFFFFK"], CultureInfo.InvariantCulture, DateTimeStyles.None, out _)
            && (text.EndsWith('Z') || text[^6] is '+' or '-'),
        _ => throw new NotSupportedException($"The schema format {format} is not supported."),
    };
}
