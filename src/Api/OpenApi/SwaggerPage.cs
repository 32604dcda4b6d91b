using NSwag.AspNetCore;

namespace Secrets.Api.OpenApi;

/// <summary>The section <c>Swagger</c>.</summary>
internal sealed class SwaggerOptions
{
    public const string Section = "Swagger";

    /// <summary>Whether the page is served. Default: everywhere except in Production.</summary>
    public bool? Enabled { get; set; }
}

/// <summary>The page under /swagger, to read the contract and try it.</summary>
internal static class SwaggerPage
{
    /// <summary>The path of the page and its files.</summary>
    public const string Route = "/swagger";

    // The page holds the visitor's API key, so it may connect only to this service, whichever document it loads.
    private const string Policy =
        "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'";

    /// <summary>Serves the page if enabled.</summary>
    public static void UseSwaggerPage(this WebApplication app)
    {
        var isOn = app.Services.GetRequiredService<IOptions<SwaggerOptions>>().Value.Enabled ?? !app.Environment.IsProduction();
        if (isOn)
        {
            app.MapWhen(IsAsked, branch => branch.Use(Restrict).UseSwaggerUi(Configure));
        }
    }

    // NSwag would serve the page for any method and with extra slashes, where its relative scripts are not found.
    private static bool IsAsked(HttpContext context) =>
        (HttpMethods.IsGet(context.Request.Method) || HttpMethods.IsHead(context.Request.Method))
        && context.Request.Path.StartsWithSegments(Route, StringComparison.Ordinal, out var file)
        && (file.Value is "" or "/" || !(file.Value!.EndsWith('/') || file.Value.Contains("//", StringComparison.Ordinal)));

    private static Task Restrict(HttpContext context, RequestDelegate next)
    {
        context.Response.Headers.ContentSecurityPolicy = Policy;
        return next(context);
    }

    private static void Configure(SwaggerUiSettings page)
    {
        page.Path = Route;
        page.DocumentTitle = "Secrets API";

        // Without a list, the page would load any document that its query names.
        page.SwaggerRoutes.Add(new SwaggerUiRoute("OpenAPI 3.1", "/openapi/v1.json"));
        page.SwaggerRoutes.Add(new SwaggerUiRoute("OpenAPI 3.0", "/openapi/v1-3.0.json"));
        page.TransformToExternalPath = RelativePath;
        page.DocExpansion = "list";
        page.PersistAuthorization = true;
        page.AdditionalSettings["displayRequestDuration"] = true;
    }

    /// <summary>
    /// A path of this service, relative to the requested page. Relative, because a proxy may serve the service below a prefix that the service does not know.
    /// </summary>
    private static string RelativePath(string path, HttpRequest request)
    {
        // NSwag prepends the path base to its redirect only.
        var inside = path == request.PathBase.Add(Route) ? Route : path;
        var depth = request.Path.Value!.Count(character => character == '/') - 1;
        return string.Concat(Enumerable.Repeat("../", depth)) + inside.TrimStart('/');
    }
}
