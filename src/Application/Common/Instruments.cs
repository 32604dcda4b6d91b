using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace Secrets.Application.Common;

/// <summary>The source of all metrics and spans of the service. They cost next to nothing while nobody listens. docs/observability.md lists them.</summary>
public static class Instruments
{
    /// <summary>The name of the meter and of the source of spans.</summary>
    public const string Name = "Secrets";

    /// <summary>Seconds at which histograms of durations are divided: a resolve takes about a millisecond.</summary>
    public static readonly InstrumentAdvice<double> Durations =
        new() { HistogramBucketBoundaries = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10] };

    /// <summary>The meter.</summary>
    public static readonly Meter Meter = new(Name);

    /// <summary>The source of spans.</summary>
    public static readonly ActivitySource Source = new(Name);
}
