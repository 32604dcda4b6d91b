using System.Collections.Frozen;
using Microsoft.AspNetCore.Diagnostics;
using Secrets.Api.Authentication;
using Secrets.Api.Binding;
using Secrets.Api.Errors;
using Secrets.Api.Health;
using Secrets.Api.Limits;
using Secrets.Api.OpenApi;

namespace Secrets.Api.Server;

/// <summary>The middleware of every request, in order.</summary>
internal static partial class Pipeline
{
    public static void UseApi(this WebApplication app)
    {
        app.UseForwardedHeaders();
        app.UsePathBaseAsConfigured();
        app.Use(SetHeaders);
        app.UseMiddleware<RequestLog>();
        app.UseExceptionHandler();
        app.UseStatusCodePages(pages => pages.HttpContext.RequestServices.GetRequiredService<FailureHandler>()
            .WriteAsync(pages.HttpContext, FailureAnswer.ForStatus(pages.HttpContext.Response.StatusCode)));
        var health = app.Services.GetRequiredService<HealthListener>();
        app.Use(health.ServeAsync);

        // Probes send the address as the host name, and use HTTP.
        app.UseWhen(context => !health.Has(context), clients => clients.UseHostFiltering().UseHttpsAsConfigured());
        if (app.Services.GetRequiredService<AnonymousLimit>() is { IsLimited: true } anonymous)
        {
            app.UseWhen(IsOfContract, limited => limited.UseRateLimiter(anonymous.Options));
        }

        app.UseSwaggerPage();
        app.UseRouting();
        app.UseCors();
        app.UseRequestTimeouts();
        app.UseAuthentication();
        app.UseMiddleware<CachedCallers>();
        app.UseWhen(app.Services.GetRequiredService<CallerLimit>().Concerns, limited => limited.UseRateLimiter());
        var lists = app.Services.GetRequiredService<ListLimit>();
        app.UseWhen(lists.Concerns, limited => limited.Use(FailIfGivenUp).UseRateLimiter(lists.Options));
        app.UseAuthorization();
        app.Use(UnknownParameters.CheckAsync);
        app.MapOpenApiDocuments();
        app.MapHealth();
        app.MapControllers().Add(LiteralPaths.Keep);
    }

    // By path, because the page answers before routing.
    private static bool IsOfContract(HttpContext context) =>
        context.Request.Path.StartsWithSegments(OpenApiDocuments.Folder, StringComparison.OrdinalIgnoreCase)
        || context.Request.Path.StartsWithSegments(SwaggerPage.Route, StringComparison.OrdinalIgnoreCase);

    /// <summary>The limiter ends a request that times out while waiting, without an answer. That would be an empty 200, so the request fails here.</summary>
    private static async Task FailIfGivenUp(HttpContext context, RequestDelegate next)
    {
        await next(context);
        if (!context.Response.HasStarted)
        {
            context.RequestAborted.ThrowIfCancellationRequested();
        }
    }

    private static Task SetHeaders(HttpContext context, RequestDelegate next)
    {
        context.Features.Get<FirstRequest>()?.Begin();
        context.Response.OnStarting(
            static state =>
            {
                var headers = ((HttpContext)state).Response.Headers;
                headers.CacheControl = "no-store";
                headers.XContentTypeOptions = "nosniff";
                if (headers.ContentSecurityPolicy.Count == 0)
                {
                    headers.ContentSecurityPolicy = "frame-ancestors 'none'";
                }

                headers["Referrer-Policy"] = "no-referrer";
                headers[RequestOrigins.RequestId] = ((HttpContext)state).ClientRequestId() ?? ((HttpContext)state).TraceIdentifier;
                return Task.CompletedTask;
            },
            context);
        return next(context);
    }

    /// <summary>
    /// Logs one line for each request. The line has the route's template, never the path or the query, because a credential may have been pasted there.
    /// </summary>
    private sealed partial class RequestLog(RequestDelegate next, ILogger<RequestLog> logger, TimeProvider time)
    {
        private static readonly FrozenSet<string> Known = new[]
        {
            HttpMethods.Get, HttpMethods.Post, HttpMethods.Patch, HttpMethods.Delete, HttpMethods.Put, HttpMethods.Head, HttpMethods.Options, HttpMethods.Trace,
            HttpMethods.Connect,
        }.ToFrozenSet(StringComparer.Ordinal);

        public async Task InvokeAsync(HttpContext context)
        {
            var start = time.GetTimestamp();
            await next(context);

            // Probes ask every few seconds and would hide the other lines.
            var level = context.Request.Path.StartsWithSegments(HealthListener.Path, StringComparison.OrdinalIgnoreCase) ? LogLevel.Debug : LogLevel.Information;
            if (logger.IsEnabled(level))
            {
                // After a failure, the framework keeps the endpoint in this feature.
                var endpoint = context.GetEndpoint() ?? context.Features.Get<IExceptionHandlerFeature>()?.Endpoint;
                var route = (endpoint as RouteEndpoint)?.RoutePattern.RawText ?? "no route";
                var milliseconds = time.GetElapsedTime(start).TotalMilliseconds;
                var user = (context.User as CallerPrincipal)?.Caller.UserId;
                Answered(level, MethodOf(context.Request), route, context.Response.StatusCode, milliseconds, context.TraceIdentifier, user);
            }
        }

        // A client may send any word as the method.
        private static string MethodOf(HttpRequest request) => HttpMethods.GetCanonicalizedValue(request.Method) is var method && Known.Contains(method) ? method : "other";

        [LoggerMessage(Message = "{Method} {Route} {Status} {Milliseconds:0.0} ms {RequestId} {UserId}")]
        private partial void Answered(LogLevel level, string method, string route, int status, double milliseconds, string requestId, Guid? userId);
    }
}
