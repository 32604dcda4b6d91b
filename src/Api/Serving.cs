namespace Secrets.Api;

/// <summary>The service from its start to its end.</summary>
internal static class Serving
{
    /// <summary>Serves until somebody asks it to stop.</summary>
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
                // Asked to stop before it could begin. How far it had come is of no interest any more.
                return;
            }
            catch
            {
                // Else what runs in the background already would report its own end as a failure, louder than why the start failed.
                app.Lifetime.StopApplication();
                throw;
            }

            await app.WaitForShutdownAsync();
        }
    }
}
