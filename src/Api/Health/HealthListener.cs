using System.Net;

namespace Secrets.Api.Health;

/// <summary>The section <c>Health</c>.</summary>
internal sealed class HealthOptions
{
    public const string Section = "Health";
    public const string UrlSetting = $"{Section}:{nameof(Url)}";

    /// <summary>The address of the listener for health alone, such as <c>http://0.0.0.0:8081</c>; null: none.</summary>
    public string? Url { get; set; }

    /// <summary>The port of <see cref="Url"/>; null: no address, or an invalid one.</summary>
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
/// Distinguishes the health listener by its port. It has its own connection limit, so probes are answered even if clients use all other connections.
/// </summary>
internal sealed class HealthListener(IOptions<HealthOptions> options)
{
    /// <summary>The path of all health endpoints.</summary>
    public const string Path = "/health";

    private readonly int? _port = options.Value.Port;

    /// <summary>Whether a connection uses the health listener.</summary>
    public bool Has(EndPoint? local) => _port is not null && (local as IPEndPoint)?.Port == _port;

    /// <summary>Whether a request uses the health listener.</summary>
    public bool Has(HttpContext context) => _port is not null && context.Connection.LocalPort == _port;

    /// <summary>Answers 404 on the health listener, except for health.</summary>
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
