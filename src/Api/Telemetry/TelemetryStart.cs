using System.Net;
using System.Net.Sockets;
using OpenTelemetry.Metrics;
using Secrets.Infrastructure.Foundation;

namespace Secrets.Api.Telemetry;

/// <summary>Starts the endpoint of Prometheus before everything else, and explains a failure.</summary>
internal sealed class TelemetryStart(IServiceProvider services, TelemetryOptions options) : IHostedLifecycleService
{
    /// <summary>Starts the endpoint, if there is one.</summary>
    /// <exception cref="StartupException">The address of the endpoint cannot be used.</exception>
    public Task StartingAsync(CancellationToken cancellationToken)
    {
        try
        {
            // The provider starts the endpoint when it is built.
            services.GetRequiredService<MeterProvider>();
            return Task.CompletedTask;
        }
        catch (Exception exception) when (exception is HttpListenerException or SocketException)
        {
            throw new StartupException($"Telemetry:Prometheus:Url ({options.Prometheus.Url}) cannot be used: {exception.Message}", exception);
        }
    }

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
