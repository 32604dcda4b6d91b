using Secrets.Api.Telemetry;

namespace Secrets.Api;

/// <summary>What the service tells its operators while it runs.</summary>
internal static class Observability
{
    /// <summary>Adds logs, and the exports that the settings ask for.</summary>
    public static void AddObservability(this WebApplicationBuilder builder)
    {
        builder.Logging.AddSafely(builder.Configuration);
        builder.AddTelemetry();
    }
}
