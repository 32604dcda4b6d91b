using Secrets.Api.Telemetry;

namespace Secrets.Api.CommandLine;

/// <summary>Runs the service.</summary>
internal static class Serving
{
    /// <summary>Serves until a stop is requested.</summary>
    public static async Task ServeAsync(this WebApplication app)
    {
        await using (app)
        {
            try
            {
                await app.StartAsync();
            }
            catch when (app.Lifetime.ApplicationStopping.IsCancellationRequested)
            {
                // A stop was requested during the start, so the failure of the start does not matter.
                return;
            }
            catch (Exception exception)
            {
                // Stop background workers first. Otherwise their failures would hide the cause.
                app.Lifetime.StopApplication();
                if (TelemetryRegistration.Explain(exception, app.Configuration) is { } explained)
                {
                    throw explained;
                }

                throw;
            }

            await app.WaitForShutdownAsync();
        }
    }
}
