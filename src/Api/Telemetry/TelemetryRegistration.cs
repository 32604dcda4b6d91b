using System.Diagnostics.Metrics;
using System.Net;
using System.Reflection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using OpenTelemetry;
using OpenTelemetry.Logs;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;
using Secrets.Api.Health;
using Secrets.Application;
using Secrets.Infrastructure.Foundation;

namespace Secrets.Api.Telemetry;

/// <summary>Registers the exports that the settings ask for (docs/decisions/0024-telemetry-is-an-allow-list.md).</summary>
internal static class TelemetryRegistration
{
    /// <summary>Exports metrics, traces and logs as configured. Without an address nothing is registered.</summary>
    public static void AddTelemetry(this WebApplicationBuilder builder)
    {
        var options = TelemetryOptions.Read(builder.Configuration);

        // Read before options exist. Bound all the same, so that the check of names knows them.
        builder.Services.AddSettings<TelemetryOptions>(TelemetryOptions.Section);
        if (options is { Otlp.Endpoint: null, Prometheus.Url: null })
        {
            return;
        }

        // The environment last, so that OTEL_SERVICE_NAME wins.
        var telemetry = builder.Services.AddOpenTelemetry()
            .ConfigureResource(resource => resource.AddService("secrets", serviceVersion: Version()).AddEnvironmentVariableDetector());
        telemetry.WithMetrics(metrics => AddMetrics(metrics, options));
        builder.Services.AddSingleton<IHealthCheckPublisher, HealthMetrics>();
        builder.Services.Configure<HealthCheckPublisherOptions>(checks => (checks.Delay, checks.Period) = (TimeSpan.Zero, HealthMetrics.Period));
        if (options.Otlp.Endpoint is { } endpoint)
        {
            // Events of spans carry messages and stacks of exceptions, and a processor cannot remove them. The last source wins over the environment.
            builder.Configuration.AddInMemoryCollection([new("OTEL_SPAN_EVENT_COUNT_LIMIT", "0")]);

            // Also if nothing is traced: the exporter makes a provider of traces, to which the engines of databases add their drivers.
            telemetry.WithTracing(traces => AddTraces(traces, options));
            if (options.TraceRatio > 0)
            {
                builder.Services.AddTracing();
            }

            telemetry.WithLogging(logs => logs.AddProcessor(new SafeLogs()));
            builder.Logging.AddFilter<OpenTelemetryLoggerProvider>((category, level) =>
                level >= options.LogLevel && category?.StartsWith("Secrets.", StringComparison.Ordinal) == true);
            telemetry.UseOtlpExporter(options.Otlp.ExportProtocol, new Uri(endpoint));
        }
    }

    /// <summary>Explains a start that failed because the endpoint for Prometheus cannot listen; null: it failed for another reason.</summary>
    public static StartupException? Explain(Exception failure, IConfiguration configuration) => failure.GetBaseException() is HttpListenerException fault
        ? new StartupException($"Telemetry:Prometheus:Url ({TelemetryOptions.Read(configuration).Prometheus.Url}) cannot be used: {fault.Message}", failure)
        : null;

    private static void AddMetrics(MeterProviderBuilder metrics, TelemetryOptions options)
    {
        var allowed = AllowedAttributes.OfMetrics;

        // The instrumentation package for ASP.NET Core would add a middleware, and meters that measure several times for each request.
        metrics.AddMeter(Instruments.Name, "Microsoft.AspNetCore.Hosting", "Microsoft.AspNetCore.Server.Kestrel", "Microsoft.AspNetCore.Diagnostics")
            .AddHttpClientInstrumentation()
            .AddRuntimeInstrumentation()
            .AddView(instrument => instrument switch
            {
                // Ours have allowed attributes only, and filtering them would cost every resolve.
                { Meter.Name: Instruments.Name } => null,
                _ when IsLeftOut(instrument) => MetricStreamConfiguration.Drop,
                _ => new MetricStreamConfiguration { TagKeys = allowed },
            });
        if (options.Prometheus.Url is { } url)
        {
            var address = new Uri(url);
            metrics.AddPrometheusHttpListener(listener => (listener.Host, listener.Port) = (address.Host, address.Port));
        }
    }

    // Active requests take two measurements for each request. Both database pools would overwrite each other: their only difference is an attribute with the
    // connection string, which is not exported.
    private static bool IsLeftOut(Instrument instrument) => instrument.Name is "http.server.active_requests"
        || (instrument.IsObservable && instrument.Name.StartsWith("db.client.", StringComparison.Ordinal));

    private static void AddTraces(TracerProviderBuilder traces, TelemetryOptions options)
    {
        traces.AddProcessor(new SafeSpans());
        if (options.TraceRatio == 0)
        {
            traces.SetSampler(new AlwaysOffSampler());
            return;
        }

        traces.AddSource(Instruments.Name)
            .SetSampler(new ParentBasedSampler(new TraceIdRatioBasedSampler(options.TraceRatio)))
            .AddAspNetCoreInstrumentation(requests =>
                requests.Filter = context => !context.Request.Path.StartsWithSegments(HealthListener.Path, StringComparison.OrdinalIgnoreCase))
            .AddHttpClientInstrumentation();
    }

    private static string? Version() => typeof(Program).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion;
}
