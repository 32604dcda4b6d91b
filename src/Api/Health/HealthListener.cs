using System.Net;
using Microsoft.Extensions.Options;

namespace Secrets.Api.Health;

/// <summary>The section <c>Health</c>.</summary>
internal sealed class HealthOptions
{
    public const string Section = "Health";
    public const string UrlSetting = $"{Section}:{nameof(Url)}";

    /// <summary>Where health alone is served, besides where everything is: <c>http://0.0.0.0:8081</c>; null: nowhere.</summary>
    public string? Url { get; set; }

    /// <summary>The port of <see cref="Url"/>; null: there is none, or it cannot be read.</summary>
    public int? Port
    {
        get
        {
            try
            {
                return string.IsNullOrEmpty(Url) ? null : BindingAddress.Parse(Url) is { Scheme: "http", Port: > 0, PathBase: "" } address ? address.Port : null;
            }
            catch (FormatException)
            {
                return null;
            }
        }
    }

    public bool IsValid() => string.IsNullOrEmpty(Url) || Port is not null;
}

/// <summary>
/// Tells the listener for health from the others, by its port. Connections of clients cannot fill it, so a probe is answered when they have filled the rest.
/// </summary>
internal sealed class HealthListener(IOptions<HealthOptions> options)
{
    private const string Path = "/health";

    private readonly int? _port = options.Value.Port;

    /// <summary>Whether a connection came in there.</summary>
    public bool Has(EndPoint? local) => _port is not null && (local as IPEndPoint)?.Port == _port;

    /// <summary>Whether a request came in there.</summary>
    public bool Has(HttpContext context) => _port is not null && context.Connection.LocalPort == _port;

    /// <summary>Answers 404 there to everything else than health.</summary>
    public Task ServeAsync(HttpContext context, RequestDelegate next)
    {
        if (!Has(context) || context.Request.Path.StartsWithSegments(Path, StringComparison.OrdinalIgnoreCase))
        {
            return next(context);
        }

        context.Response.StatusCode = StatusCodes.Status404NotFound;
        return Task.CompletedTask;
    }
}
