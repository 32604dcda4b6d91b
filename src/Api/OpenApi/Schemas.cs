using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Mvc.Controllers;
using Microsoft.AspNetCore.Mvc.ModelBinding;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;

namespace Secrets.Api.OpenApi;

/// <summary>Adds to a schema what the framework cannot know: limits, and the types with our own converters.</summary>
internal static class Schemas
{
    public static void Describe(OpenApiSchema schema, OpenApiSchemaTransformerContext context)
    {
        DescribeType(schema, context.JsonTypeInfo.Type);
        var parameter = context.JsonPropertyInfo is null && context.ParameterDescription is { } given && given.Source != BindingSource.Body ? given : null;
        var member = parameter is null ? context.JsonPropertyInfo?.AttributeProvider : (parameter.ParameterDescriptor as ControllerParameterDescriptor)?.ParameterInfo;
        foreach (var limit in member?.GetCustomAttributes(typeof(LimitAttribute), inherit: true) ?? [])
        {
            ((LimitAttribute)limit).Describe(schema);
        }

        if (parameter is not null)
        {
            // A path or query parameter may be absent, but is never null.
            schema.Type &= ~JsonSchemaType.Null;
        }

        if (context.JsonPropertyInfo?.CustomConverter is JsonConverter<SecretValue>)
        {
            // The value in a resolve response is the only SecretValue with its own converter (`RevealedValue`).
            schema.WriteOnly = false;
        }
    }

    private static void DescribeType(OpenApiSchema schema, Type type)
    {
        if (Optional.Is(type))
        {
            var inner = type.GetGenericArguments()[0];
            schema.Type = (inner == typeof(bool?) ? JsonSchemaType.Boolean : JsonSchemaType.String) | JsonSchemaType.Null;
            DescribeType(schema, inner);
        }
        else if (type == typeof(SecretValue))
        {
            schema.Type ??= JsonSchemaType.String;
            schema.Format = "password";
            schema.WriteOnly = true;
        }
        else if (type == typeof(DateTimeOffset) || type == typeof(DateTimeOffset?))
        {
            schema.Type = type == typeof(DateTimeOffset) ? JsonSchemaType.String : JsonSchemaType.String | JsonSchemaType.Null;
        }
        else if (type == typeof(Guid) || type == typeof(Guid?))
        {
            schema.Type = type == typeof(Guid) ? JsonSchemaType.String : JsonSchemaType.String | JsonSchemaType.Null;
            schema.Format = "uuid";
        }
        else if (type == typeof(IReadOnlyList<object>))
        {
            schema.Items = new OpenApiSchema
            {
                AnyOf = [new OpenApiSchema { Type = JsonSchemaType.String }, new OpenApiSchema { Type = JsonSchemaType.Integer }],
            };
        }
    }
}
