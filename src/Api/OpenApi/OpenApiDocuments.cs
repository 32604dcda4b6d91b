using System.Reflection;
using Microsoft.AspNetCore.Mvc.Controllers;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;
using Secrets.Api.Errors;
using Secrets.Application.Common;
using Secrets.Domain.Secrets;
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
}
