using System.Reflection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using OpenTelemetry;
using OpenTelemetry.Logs;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;
using Secrets.Api.Health;
using Secrets.Application;

namespace Secrets.Api.Telemetry;

/// <summary>Registers the exports that the settings ask for (docs/decisions/0026-telemetry-is-an-allow-list.md).</summary>
internal static class TelemetryRegistration
{
    // The connections of both pools would overwrite each other, because their only difference is an attribute with the connection string.
    private static readonly string[] Dropped =
        ["db.client.connection.count", "db.client.connection.max", "db.client.connection.npgsql.prepared_ratio", "db.client.operation.npgsql.prepared_ratio"];

    /// <summary>Exports metrics, traces and logs as configured. Without an address nothing is registered.</summary>
    public static void AddTelemetry(this WebApplicationBuilder builder)
    {
        var options = TelemetryOptions.Read(builder.Configuration);
        if (options is { Otlp.Endpoint: null, Prometheus.Url: null })
        {
            return;
        }

        var telemetry = builder.Services.AddOpenTelemetry().ConfigureResource(resource => resource.AddService("secrets", serviceVersion: Version()));
        telemetry.WithMetrics(metrics => AddMetrics(metrics, options));
        builder.Services.AddSingleton(options).AddHostedService<TelemetryStart>();
        builder.Services.AddSingleton<IHealthCheckPublisher, HealthMetrics>();
        builder.Services.Configure<HealthCheckPublisherOptions>(checks => (checks.Delay, checks.Period) = (TimeSpan.Zero, HealthMetrics.Period));
        if (options.Otlp.Endpoint is { } endpoint)
        {
            // Events of spans carry messages and stacks of exceptions, and a processor cannot remove them. The last source wins over the environment.
            builder.Configuration.AddInMemoryCollection([new("OTEL_SPAN_EVENT_COUNT_LIMIT", "0")]);
            builder.Services.AddTracing();
            telemetry.WithTracing(traces => AddTraces(traces, options));
            telemetry.WithLogging(logs => logs.AddProcessor(new SafeLogs()));
            builder.Logging.AddFilter<OpenTelemetryLoggerProvider>((category, level) =>
                level >= LogLevel.Information && category?.StartsWith("Secrets.", StringComparison.Ordinal) == true);
            telemetry.UseOtlpExporter(options.Otlp.ExportProtocol, new Uri(endpoint));
        }
    }

    private static void AddMetrics(MeterProviderBuilder metrics, TelemetryOptions options)
    {
        var allowed = AllowedAttributes.OfMetrics;
        metrics.AddMeter(Instruments.Name)
            .AddAspNetCoreInstrumentation()
            .AddHttpClientInstrumentation()
            .AddRuntimeInstrumentation()
            .AddView(instrument => Dropped.Contains(instrument.Name, StringComparer.Ordinal)
                ? MetricStreamConfiguration.Drop
                : new MetricStreamConfiguration { TagKeys = allowed });
        if (options.Prometheus.Url is { } url)
        {
            var address = new Uri(url);
            metrics.AddPrometheusHttpListener(listener => (listener.Host, listener.Port) = (address.Host, address.Port));
        }
    }

    private static void AddTraces(TracerProviderBuilder traces, TelemetryOptions options) => traces.AddSource(Instruments.Name)
        .SetSampler(new ParentBasedSampler(new TraceIdRatioBasedSampler(options.TraceRatio)))
        .AddAspNetCoreInstrumentation(requests =>
            requests.Filter = context => !context.Request.Path.StartsWithSegments(HealthListener.Path, StringComparison.OrdinalIgnoreCase))
        .AddHttpClientInstrumentation()
        .AddProcessor(new SafeSpans());

    private static string? Version() => typeof(Program).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion;
}
