using OpenTelemetry.Exporter;
using Secrets.Infrastructure.Foundation;

namespace Secrets.Api.Telemetry;

/// <summary>The section <c>Telemetry</c>. Nothing is exported without one of the two addresses.</summary>
internal sealed class TelemetryOptions
{
    public const string Section = "Telemetry";

    // The name that every OpenTelemetry SDK reads.
    private const string CommonEndpoint = "OTEL_EXPORTER_OTLP_ENDPOINT";
    private const string CommonProtocol = "OTEL_EXPORTER_OTLP_PROTOCOL";

    /// <summary>The exporter to a collector.</summary>
    public OtlpOptions Otlp { get; set; } = new();

    /// <summary>The endpoint that Prometheus reads.</summary>
    public PrometheusOptions Prometheus { get; set; } = new();

    /// <summary>
    /// The part of requests that are traced if their caller does not decide, from 0 to 1. 0: no request is traced, whatever its caller says. Above 0, the framework
    /// makes an activity for every request, which takes a tenth of a resolve's processor time.
    /// </summary>
    public double TraceRatio { get; set; }

    /// <summary>The least level of the log lines that a collector gets. At Information it gets a line for each request, which metrics and traces contain too.</summary>
    public LogLevel LogLevel { get; set; } = LogLevel.Warning;

    /// <summary>Reads and checks the settings.</summary>
    /// <exception cref="StartupException">A setting is not valid. The message names it.</exception>
    public static TelemetryOptions Read(IConfiguration configuration)
    {
        TelemetryOptions options;
        try
        {
            options = configuration.GetSection(Section).Get<TelemetryOptions>() ?? new TelemetryOptions();
        }
        catch (InvalidOperationException exception)
        {
            throw new StartupException(exception.Message, exception);
        }

        options.Otlp.Endpoint = NullIfEmpty(options.Otlp.Endpoint) ?? NullIfEmpty(configuration[CommonEndpoint]);
        options.Otlp.Protocol = NullIfEmpty(options.Otlp.Protocol) ?? NullIfEmpty(configuration[CommonProtocol]) ?? OtlpOptions.Protobuf;
        options.Prometheus.Url = NullIfEmpty(options.Prometheus.Url);
        Require(
            options.Otlp.Endpoint is not { } endpoint || IsHttp(endpoint),
            $"{Section}:Otlp:Endpoint must be an address such as http://127.0.0.1:4318.");
        Require(
            options.Otlp.Protocol is OtlpOptions.Protobuf or OtlpOptions.Grpc,
            $"{Section}:Otlp:Protocol must be {OtlpOptions.Protobuf} or {OtlpOptions.Grpc}.");
        Require(
            options.Prometheus.Url is not { } url || (IsHttp(url) && new Uri(url) is { Scheme: "http", AbsolutePath: "/", Port: > 0 }),
            $"{Section}:Prometheus:Url must be an address with a port of its own and without a path, such as http://127.0.0.1:9464.");
        Require(options.TraceRatio is >= 0 and <= 1, $"{Section}:TraceRatio must be from 0 to 1.");
        return options;
    }

    private static string? NullIfEmpty(string? text) => string.IsNullOrEmpty(text) ? null : text;

    private static bool IsHttp(string text) =>
        Uri.TryCreate(text, UriKind.Absolute, out var address) && address is { Scheme: "http" or "https", Host.Length: > 0, UserInfo: "", Query: "", Fragment: "" };

    private static void Require(bool holds, string otherwise)
    {
        if (!holds)
        {
            throw new StartupException(otherwise);
        }
    }
}

/// <summary>The section <c>Telemetry:Otlp</c>.</summary>
internal sealed class OtlpOptions
{
    public const string Protobuf = "http/protobuf";
    public const string Grpc = "grpc";

    /// <summary>The address of the collector, without the path of a signal; null: none.</summary>
    public string? Endpoint { get; set; }

    /// <summary><see cref="Protobuf"/> or <see cref="Grpc"/>.</summary>
    public string? Protocol { get; set; }

    /// <summary>The protocol as the exporter names it.</summary>
    public OtlpExportProtocol ExportProtocol => Protocol is Grpc ? OtlpExportProtocol.Grpc : OtlpExportProtocol.HttpProtobuf;
}

/// <summary>The section <c>Telemetry:Prometheus</c>.</summary>
internal sealed class PrometheusOptions
{
    /// <summary>The address that Prometheus reads, such as <c>http://127.0.0.1:9464</c>; null: none. Anybody who reaches it can read the metrics.</summary>
    public string? Url { get; set; }
}
