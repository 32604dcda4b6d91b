using System.Globalization;
using System.Reflection;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Mvc.Controllers;
using Microsoft.AspNetCore.Mvc.ModelBinding;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.Net.Http.Headers;
using Microsoft.OpenApi;
using Secrets.Api.AiHub;
using Secrets.Api.Binding;
using Secrets.Api.V1;
using Secrets.Application.Common;
using Secrets.Domain.ApiKeys;
using Secrets.Domain.Secrets;
using Secrets.Domain.Text;
using Secrets.Infrastructure.Foundation;

namespace Secrets.Api.OpenApi;

/// <summary>
/// The documents under /openapi: <c>v1</c> in OpenAPI 3.1, and <c>v1-3.0</c>, the same in 3.0, which client generators read better.
/// </summary>
internal static class OpenApiDocuments
{
    private static readonly (string Name, string In, string Description)[] Credentials =
    [
        ("token", "token", "A JWT or an API key."),
        ("x-api-key", "x-api-key", "An API key."),
    ];

    private static readonly (string Status, string Description)[] CommonAnswers =
    [
        ("401", "No credential, or one that is not accepted."),
        ("403", "The credential may not do this."),
        ("429", TooMany),
        ("503", Unavailable),
    ];

    private static readonly (string Status, string Description)[] CommonAnswersOfVault =
    [
        ("401", "No credential, or one that is not accepted, not for this organisation, or may not do this."),
        ("429", TooMany),
        ("503", Unavailable),
    ];

    private static readonly (string Status, string Description)[] AnswersToBodies =
    [
        ("413", "The body is too large."),
        ("415", "The body is no JSON in UTF-8, or is compressed."),
    ];

    /// <summary>The groups of operations in the order of the page; controllers name theirs.</summary>
    private static readonly (string Name, string Description)[] Tags =
    [
        ("Secrets", "Store, list, change and delete secrets of a user or an organisation."),
        ("Resolution", "Fill the arguments of a tool call, or explain how they would be filled."),
        ("Organisation vault", "Store, list, change and delete secrets of an organisation by alias."),
        ("API keys", "Create, list, replace and revoke API keys."),
        ("Audit", "Read who did what, and verify that no row was changed."),
        ("Encryption", "See and replace the keys that values are sealed with."),
        ("Usage", "See how much of the quota is used."),
    ];

    private const string TooMany = "Too many requests; try again after the seconds in `Retry-After`.";
    private const string Unavailable = "The service cannot answer now; try again after the seconds in `Retry-After`.";

    private static string ProductVersion => typeof(OpenApiDocuments).Assembly.GetName().Version!.ToString(fieldCount: 3);

    /// <summary>What their paths begin with.</summary>
    public const string Folder = "/openapi";

    /// <summary>Where they are. No other name is taken: the framework's answer would repeat it.</summary>
    public const string Route = Folder + @"/{documentName:regex(^(v1|v1-3\.0)$)}.json";

    /// <summary>Whether this process is the build, which starts the host to take the documents from it, and not the service.</summary>
    public static bool IsBuild => Assembly.GetEntryAssembly()?.GetName().Name is "GetDocument.Insider";

    public static void AddOpenApiDocuments(this IServiceCollection services)
    {
        services.AddSettings<SwaggerOptions>(SwaggerOptions.Section);
        services.AddOpenApi("v1", options => Configure(options, OpenApiSpecVersion.OpenApi3_1));
        services.AddOpenApi("v1-3.0", options => Configure(options, OpenApiSpecVersion.OpenApi3_0));
        services.AddSingleton<PublishedDocuments>();
    }

    /// <summary>Serves them. The framework's own endpoint makes the document anew for each request, which takes tens of milliseconds.</summary>
    public static void MapOpenApiDocuments(this IEndpointRouteBuilder endpoints) => endpoints
        .MapGet(Route, async (string documentName, PublishedDocuments documents) => (await documents.GetAsync(documentName)).ToResult())
        .ExcludeFromDescription()
        .DisableRequestTimeout() // the first request makes it for all
        .AllowAnonymous();

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
                Version = ProductVersion,
                Description = "Write-only storage of credentials for the tools of AI agents. Uuids are read with or without hyphens. Moments are read as RFC 3339 has them, "
                    + "with seconds and an offset; fractions are cut to microseconds, and a leap second (`:60`) is refused.",
                License = new OpenApiLicense { Name = "MIT", Identifier = "MIT" },
            };

            // Relative to the document: right below any prefix that a proxy strips, whether or not the service is told of it.
            document.Servers = [new OpenApiServer { Url = ".." }];
            document.Tags = Tags.Select(tag => new OpenApiTag { Name = tag.Name, Description = tag.Description }).ToHashSet();
            AddSecurity(document);
            return Task.CompletedTask;
        });
        options.CreateSchemaReferenceId = type =>
            type.Type == typeof(SecretValue) || Optional.Is(type.Type) ? null : OpenApiOptions.CreateDefaultSchemaReferenceId(type);
        options.AddOperationTransformer((operation, context, _) =>
        {
            DescribeOperation(operation, (ControllerActionDescriptor)context.Description.ActionDescriptor);
            return Task.CompletedTask;
        });
        options.AddSchemaTransformer((schema, context, _) =>
        {
            DescribeType(schema, context.JsonTypeInfo.Type);
            DescribeLimits(schema, context.JsonPropertyInfo);
            if (context.JsonPropertyInfo is null && context.ParameterDescription is { } parameter && parameter.Source != BindingSource.Body)
            {
                // A parameter of path or query is given or left out; none is null.
                schema.Type &= ~JsonSchemaType.Null;
            }

            if (context.JsonPropertyInfo?.CustomConverter is RevealedValue)
            {
                schema.WriteOnly = false;
            }

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
                BearerFormat = "JWT or API key",
                Description = "A JWT of the configured issuer, or an API key. Of a JWT count `sub`, the scopes in `scope` or `scp` (none of ours: "
                    + "`secrets:read secrets:write`), and `organizations`. Whoever sends several credentials must mean one principal with all of them, "
                    + "and may do what each of them allows. An empty header is no credential.",
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

    /// <summary>What all operations share: a stable id, and the answers that they can all give.</summary>
    private static void DescribeOperation(OpenApiOperation operation, ControllerActionDescriptor action)
    {
        operation.OperationId = $"{action.ControllerName}_{action.ActionName}";
        var isVault = action.ControllerTypeInfo == typeof(AiHubSecretsController);
        var takesIfMatch = action.EndpointMetadata.OfType<TakesIfMatchAttribute>().Any();
        foreach (var (status, description) in ((string Status, string Description)[])
            [
                .. isVault ? CommonAnswersOfVault : CommonAnswers,
                .. operation.RequestBody is null ? [] : AnswersToBodies,
                .. takesIfMatch ? [("400", "`If-Match` is no list of entity tags.")] : Array.Empty<(string, string)>(),
            ])
        {
            operation.Responses?.TryAdd(status, new OpenApiResponse
            {
                Description = description,
                Content = new Dictionary<string, OpenApiMediaType>(StringComparer.Ordinal)
                {
                    ["application/json"] = new() { Schema = new OpenApiSchemaReference(isVault ? nameof(Refusal) : nameof(Error)) },
                },
            });
        }

        foreach (var parameter in operation.Parameters ?? [])
        {
            if (parameter is { Name: "limit", Schema: OpenApiSchema schema })
            {
                (schema.Minimum, schema.Maximum) = ("1", Paging.MaxLimit.ToString(CultureInfo.InvariantCulture));
            }
        }

        if (takesIfMatch)
        {
            (operation.Parameters ??= []).Add(new OpenApiParameter
            {
                Name = HeaderNames.IfMatch,
                In = ParameterLocation.Header,
                Description = "The entity tag of the version to change; when it is no longer the current one, nothing happens.",
                Schema = new OpenApiSchema { Type = JsonSchemaType.String },
            });
        }

        if (action.EndpointMetadata.OfType<ActsForUsersAttribute>().Any())
        {
            (operation.Parameters ??= []).Add(new OpenApiParameter
            {
                Name = ActsForUsersAttribute.UserId,
                In = ParameterLocation.Query,
                Description = "The user whose secrets are meant, in place of one's own. Needs the scope `users:act`, and excludes `organization_id`. Operators cannot be named.",
                Schema = new OpenApiSchema { Type = JsonSchemaType.String, Format = "uuid" },
            });
            operation.Parameters.Add(new OpenApiParameter
            {
                Name = ActsForUsersAttribute.User,
                In = ParameterLocation.Query,
                Description = "The name of that user in place of the id: the `sub` of the user's tokens.",
                Schema = new OpenApiSchema
                {
                    Type = JsonSchemaType.String,
                    MinLength = UserName.Length.Minimum,
                    MaxLength = UserName.Length.Maximum,
                },
            });
        }
    }

    /// <summary>Types that are read by converters of ours, into which the framework cannot see.</summary>
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

    /// <summary>The limits that the use cases enforce; of texts in code points, which JSON Schema counts in too.</summary>
    private static void DescribeLimits(OpenApiSchema schema, JsonPropertyInfo? member)
    {
        TextLength? length = (member?.DeclaringType.Name, member?.Name) switch
        {
            (nameof(CreateSecretBody) or nameof(UpdateSecretBody), "secret_name") => Secret.NameLength,
            (nameof(CreateAliasBody) or nameof(UpdateAliasBody) or nameof(DeleteAliasBody), "alias") => Alias.Length,
            (nameof(CreateAliasBody) or nameof(UpdateAliasBody), "value") => SecretValue.LengthOfOrganization,
            (nameof(CreateSecretBody) or nameof(UpdateSecretBody) or nameof(CreateAliasBody) or nameof(UpdateAliasBody), "description") => Secret.DescriptionLength,

            // The document is the same for every installation and clients are generated from it, so it states the most that any can be configured to take.
            (nameof(CreateSecretBody) or nameof(UpdateSecretBody), "secret_value") => SecretValue.LengthOfUser with { Maximum = SecretValue.LargestMaximum },
            (nameof(CreateSecretBody) or nameof(UpdateSecretBody) or nameof(ResolveBody) or nameof(ExplainBody), "tool_name") => ToolPattern.Length,
            (nameof(CreateSecretBody) or nameof(UpdateSecretBody), "tool_arg") => ToolBinding.ArgLength,
            (nameof(CreateApiKeyBody), "name") => ApiKey.NameLength,
            (nameof(CreateApiKeyBody) or nameof(ResolveBody) or nameof(ExplainBody), "organization_id") => Membership.OrganizationIdLength,
            (nameof(CreateApiKeyBody) or nameof(ResolveBody) or nameof(ExplainBody), "user") => UserName.Length,
            (nameof(ResolveBody) or nameof(ExplainBody), "workspace") => Membership.WorkspaceLength,
            _ => null,
        };
        (schema.MinLength, schema.MaxLength) = (length?.Minimum, length?.Maximum);
        if (member is { Name: "allowed_workspaces_type" })
        {
            // Where null is allowed, it has to be among them.
            var isNullable = schema.Type?.HasFlag(JsonSchemaType.Null) == true;
            schema.Enum = [.. WorkspaceRuleNames.All.Select(name => JsonValue.Create(name)), .. isNullable ? [JsonNullSentinel.JsonNull] : Array.Empty<JsonNode>()];
        }

        if (member is { DeclaringType.Name: nameof(CreateAliasBody) or nameof(UpdateAliasBody), Name: "allowed_workspaces" })
        {
            schema.MaxItems = WorkspaceAccess.MaxNames;
        }

        if (member is { DeclaringType.Name: nameof(CreateApiKeyBody), Name: "workspaces" })
        {
            schema.MaxItems = Membership.MaxWorkspaces;
        }

        if (member is { DeclaringType.Name: nameof(RotateApiKeyBody), Name: "grace_seconds" })
        {
            (schema.Minimum, schema.Maximum) = ("0", ApiKey.MaxGrace.TotalSeconds.ToString(CultureInfo.InvariantCulture));
        }
    }
}
