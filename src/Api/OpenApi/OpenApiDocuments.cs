using System.Reflection;
using Microsoft.AspNetCore.Mvc.Controllers;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;
using Secrets.Api.Authentication;
using Secrets.Api.Errors;
using Secrets.Infrastructure.Foundation;

namespace Secrets.Api.OpenApi;

/// <summary>Generates the documents under /openapi: <c>v1</c> in OpenAPI 3.1, and the same in 3.0 as <c>v1-3.0</c>, for client generators.</summary>
internal static class OpenApiDocuments
{
    private static readonly (string Header, string Description)[] Credentials =
        [(CredentialHeaders.Token, "A JWT or an API key."), (CredentialHeaders.ApiKey, "An API key.")];

    /// <summary>The groups of operations, in the order of the page. Controllers refer to them by name.</summary>
    private static readonly (string Name, string Description)[] Tags =
    [
        ("Secrets", "Store, list, change and delete secrets of a user or an organisation."),
        ("Resolution", "Fill the arguments of a tool call, or explain how they would be filled."),
        ("Organisation vault", "Store, list, change and delete secrets of an organisation by alias."),
        ("API keys", "Create, list, rotate and revoke API keys."),
        ("Audit", "Read the audit, and verify that no row was changed."),
        ("Encryption", "See and rotate the encryption keys."),
        ("Usage", "See the use of the quota."),
    ];

    private static string ProductVersion => typeof(OpenApiDocuments).Assembly.GetName().Version!.ToString(fieldCount: 3);

    /// <summary>The path prefix of all documents.</summary>
    public const string Folder = "/openapi";

    /// <summary>The route of the documents. The constraint admits known names only.</summary>
    public const string Route = Folder + @"/{documentName:regex(^(v1|v1-3\.0)$)}.json";

    /// <summary>Whether the build runs this process to generate the documents.</summary>
    public static bool IsBuild => Assembly.GetEntryAssembly()?.GetName().Name is "GetDocument.Insider";

    public static void AddOpenApiDocuments(this IServiceCollection services)
    {
        services.AddSettings<SwaggerOptions>(SwaggerOptions.Section);
        services.AddOpenApi("v1", options => Configure(options, OpenApiSpecVersion.OpenApi3_1));
        services.AddOpenApi("v1-3.0", options => Configure(options, OpenApiSpecVersion.OpenApi3_0));
        services.AddSingleton<PublishedDocuments>();
    }

    /// <summary>Serves the documents. The framework's own endpoint would generate a document for each request, in tens of milliseconds.</summary>
    public static void MapOpenApiDocuments(this IEndpointRouteBuilder endpoints) => endpoints
        .MapGet(Route, async (string documentName, PublishedDocuments documents) => (await documents.GetAsync(documentName)).ToResult())
        .ExcludeFromDescription()
        .DisableRequestTimeout() // the first request generates the document for all
        .AllowAnonymous();

    private static void Configure(OpenApiOptions options, OpenApiSpecVersion version)
    {
        options.OpenApiVersion = version;

        // Some paths are also served without the leading "api". Document them once.
        options.ShouldInclude = description => description.RelativePath?.StartsWith("api/", StringComparison.Ordinal) == true;
        options.AddDocumentTransformer((document, _, _) =>
        {
            document.Info = new OpenApiInfo
            {
                Title = "Secrets",
                Version = ProductVersion,
                Description = "Write-only storage of credentials for the tools of AI agents. Uuids may be written with or without hyphens. Moments are in RFC 3339 format, "
                    + "with seconds and an offset. Fractions are cut to microseconds. A leap second (`:60`) is refused.",
                License = new OpenApiLicense { Name = "MIT", Identifier = "MIT" },
            };

            // Relative to the document, so that it is also correct below a prefix that a proxy strips.
            document.Servers = [new OpenApiServer { Url = ".." }];
            document.Tags = Tags.Select(tag => new OpenApiTag { Name = tag.Name, Description = tag.Description }).ToHashSet();
            AddSecurity(document);
            return Task.CompletedTask;
        });
        options.CreateSchemaReferenceId = type =>
            type.Type == typeof(SecretValue) || Optional.Is(type.Type) ? null : OpenApiOptions.CreateDefaultSchemaReferenceId(type);
        options.AddOperationTransformer((operation, context, _) =>
        {
            var dialect = context.ApplicationServices.GetServices<IFailureWriter>().First(writer => writer.Writes("/" + context.Description.RelativePath));
            Operations.Describe(operation, (ControllerActionDescriptor)context.Description.ActionDescriptor, dialect);
            return Task.CompletedTask;
        });
        options.AddSchemaTransformer((schema, context, _) =>
        {
            Schemas.Describe(schema, context);
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
                Description = "A JWT of the configured issuer, or an API key. The service reads `sub`, `organizations` and the scopes in `scope` or `scp` of a JWT. "
                    + "A JWT without any scope of the service has `secrets:read secrets:write`. Several credentials in one request must stand for the same principal, "
                    + "and only rights that all of them have count. An empty header counts as absent.",
            },
        };
        foreach (var (header, description) in Credentials)
        {
            components.SecuritySchemes[header] = new OpenApiSecurityScheme
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
}
