using System.Reflection;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;
using Secrets.Api.V1;
using Secrets.Application.Common;
using Secrets.Domain.ApiKeys;
using Secrets.Domain.Secrets;
using Secrets.Domain.Text;

namespace Secrets.Api.OpenApi;

/// <summary>
/// The documents under /openapi: <c>v1</c> in OpenAPI 3.1, and <c>v1-3.0</c>, the same in 3.0, which client generators read better.
/// </summary>
internal static class OpenApiDocuments
{
    private static readonly (string Name, string In, string Description)[] Credentials =
    [
        ("token", "token", "A JWT, or an API key."),
        ("x-api-key", "x-api-key", "An API key."),
    ];

    /// <summary>
    /// The environment to take while the build asks for the documents, where no production setting is at hand; null when the service runs.
    /// </summary>
    public static string? BuildEnvironment =>
        Assembly.GetEntryAssembly()?.GetName().Name is "GetDocument.Insider" ? Environments.Development : null;

    public static void AddOpenApiDocuments(this IServiceCollection services)
    {
        services.AddOpenApi("v1", options => Configure(options, OpenApiSpecVersion.OpenApi3_1));
        services.AddOpenApi("v1-3.0", options => Configure(options, OpenApiSpecVersion.OpenApi3_0));
    }

    private static void Configure(OpenApiOptions options, OpenApiSpecVersion version)
    {
        options.OpenApiVersion = version;

        // Every path is served with and without the leading "api"; once is enough to document it.
        options.ShouldInclude = description => description.RelativePath?.StartsWith("api/", StringComparison.Ordinal) == true;
        options.AddDocumentTransformer((document, _, _) =>
        {
            document.Info = new OpenApiInfo
            {
                Title = "Secrets",
                Version = "v1",
                Description = "Write-only storage of credentials for the tools of AI agents.",
            };
            document.Servers = [];
            AddSecurity(document);
            return Task.CompletedTask;
        });
        options.CreateSchemaReferenceId = type =>
            type.Type == typeof(SecretValue) || IsOptional(type.Type) ? null : OpenApiOptions.CreateDefaultSchemaReferenceId(type);
        options.AddSchemaTransformer((schema, context, _) =>
        {
            DescribeType(schema, context.JsonTypeInfo.Type);
            DescribeLength(schema, context.JsonPropertyInfo);
            return Task.CompletedTask;
        });
    }

    private static void AddSecurity(OpenApiDocument document)
    {
        var components = document.Components ??= new OpenApiComponents();
        components.SecuritySchemes = new Dictionary<string, IOpenApiSecurityScheme>(StringComparer.Ordinal)
        {
            ["bearer"] = new OpenApiSecurityScheme
            {
                Type = SecuritySchemeType.Http,
                Scheme = "bearer",
                Description = "An API key or a JWT.",
            },
        };
        foreach (var (name, header, description) in Credentials)
        {
            components.SecuritySchemes[name] = new OpenApiSecurityScheme
            {
                Type = SecuritySchemeType.ApiKey,
                In = ParameterLocation.Header,
                Name = header,
                Description = description,
            };
        }

        document.Security = [.. components.SecuritySchemes.Keys.Select(name => new OpenApiSecurityRequirement
        {
            [new OpenApiSecuritySchemeReference(name, document)] = [],
        })];
    }

    /// <summary>Types that are read by converters of ours, into which the framework cannot see.</summary>
    private static void DescribeType(OpenApiSchema schema, Type type)
    {
        if (IsOptional(type))
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
    }

    /// <summary>The limits that the use cases enforce, in the code points that JSON Schema counts in too.</summary>
    private static void DescribeLength(OpenApiSchema schema, JsonPropertyInfo? member)
    {
        TextLength? length = member?.DeclaringType == typeof(CreateSecretBody) || member?.DeclaringType == typeof(UpdateSecretBody)
            ? member.Name switch
            {
                "secret_name" => Secret.NameLength,
                "secret_value" => SecretValue.Length,
                "tool_name" => ToolPattern.Length,
                "tool_arg" => ToolBinding.ArgLength,
                _ => null,
            }
            : member?.DeclaringType == typeof(CreateApiKeyBody)
            ? member.Name switch
            {
                "name" => ApiKey.NameLength,
                "organization_id" => Membership.OrganizationIdLength,
                _ => null,
            }
            : null;
        (schema.MinLength, schema.MaxLength) = (length?.Minimum, length?.Maximum);
    }

    private static bool IsOptional(Type type) => type.IsGenericType && type.GetGenericTypeDefinition() == typeof(Optional<>);
}
