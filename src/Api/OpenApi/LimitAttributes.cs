using System.Globalization;
using System.Text.Json.Nodes;
using Microsoft.OpenApi;
using Secrets.Domain.Text;

namespace Secrets.Api.OpenApi;

/// <summary>States a limit in the schema of a member or parameter. The validator of the use case enforces the limit.</summary>
[AttributeUsage(AttributeTargets.Property | AttributeTargets.Parameter)]
internal abstract class LimitAttribute : Attribute
{
    public abstract void Describe(OpenApiSchema schema);

    /// <summary>The value of a static member: attributes take constants only.</summary>
    protected static T Read<T>(Type type, string member) =>
        (T)(type.GetField(member)?.GetValue(obj: null) ?? type.GetProperty(member)?.GetValue(obj: null) ?? throw new MissingMemberException(type.Name, member));
}

/// <summary>The length of a text in code points, which JSON Schema counts too.</summary>
/// <param name="type">The value object.</param>
/// <param name="member">Its <see cref="TextLength"/>.</param>
internal sealed class TextLimitAttribute(Type type, string member) : LimitAttribute
{
    public override void Describe(OpenApiSchema schema)
    {
        var length = Read<TextLength>(type, member);
        (schema.MinLength, schema.MaxLength) = (length.Minimum, length.Maximum);
    }
}

/// <summary>The range of a number, both ends included.</summary>
internal sealed class NumberLimitAttribute(int minimum, int maximum) : LimitAttribute
{
    public override void Describe(OpenApiSchema schema) =>
        (schema.Minimum, schema.Maximum) = (minimum.ToString(CultureInfo.InvariantCulture), maximum.ToString(CultureInfo.InvariantCulture));
}

/// <summary>The number of items in a list.</summary>
internal sealed class ItemLimitAttribute(int maximum) : LimitAttribute
{
    public override void Describe(OpenApiSchema schema) => schema.MaxItems = maximum;
}

/// <summary>The names that a text may be.</summary>
/// <param name="type">The type that lists them.</param>
/// <param name="member">Its list.</param>
internal sealed class NameLimitAttribute(Type type, string member) : LimitAttribute
{
    public override void Describe(OpenApiSchema schema)
    {
        // A nullable member needs null in its enum.
        var isNullable = schema.Type?.HasFlag(JsonSchemaType.Null) == true;
        schema.Enum = [.. Read<IReadOnlyList<string>>(type, member).Select(name => JsonValue.Create(name)), .. isNullable ? [JsonNullSentinel.JsonNull] : Array.Empty<JsonNode>()];
    }
}
