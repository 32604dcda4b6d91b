using Microsoft.Extensions.Options;
using NSwag.AspNetCore;

namespace Secrets.Api.OpenApi;

/// <summary>The section <c>Swagger</c>.</summary>
internal sealed class SwaggerOptions
{
    public const string Section = "Swagger";

    /// <summary>Whether the page is served. Default: everywhere but in Production.</summary>
    public bool? Enabled { get; set; }
}

/// <summary>The page under /swagger: people read the contract there and try it.</summary>
internal static class SwaggerPage
{
    /// <summary>Where the page and its files are.</summary>
    public const string Route = "/swagger";

    // The page keeps the visitor's API key: it talks to this service only, whatever document somebody has it load.
    private const string Policy =
        "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'";

    /// <summary>Serves the page, unless the settings say otherwise.</summary>
    public static void UseSwaggerPage(this WebApplication app)
    {
        var isOn = app.Services.GetRequiredService<IOptions<SwaggerOptions>>().Value.Enabled ?? !app.Environment.IsProduction();
        if (isOn)
        {
            app.MapWhen(IsAsked, branch => branch.Use(Restrict).UseSwaggerUi(Configure));
        }
    }

    // NSwag would serve the page for any method and with any number of slashes, below which a browser finds none of its scripts.
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

        // A list, even of one: without it the page loads whatever document its query names.
        page.SwaggerRoutes.Add(new SwaggerUiRoute("OpenAPI 3.1", "/openapi/v1.json"));
        page.SwaggerRoutes.Add(new SwaggerUiRoute("OpenAPI 3.0", "/openapi/v1-3.0.json"));
        page.TransformToExternalPath = RelativePath;
        page.DocExpansion = "list";
        page.PersistAuthorization = true;
        page.AdditionalSettings["displayRequestDuration"] = true;
    }

    /// <summary>
    /// A path of this service as a browser reaches it from the requested page. Relative, because a proxy may serve the service below a prefix that
    /// the service is not told of.
    /// </summary>
    private static string RelativePath(string path, HttpRequest request)
    {
        // NSwag puts the path base in front of where it redirects to, and of nothing else.
        var inside = path == request.PathBase.Add(Route) ? Route : path;
        var depth = request.Path.Value!.Count(character => character == '/') - 1;
        return string.Concat(Enumerable.Repeat("../", depth)) + inside.TrimStart('/');
    }
}
