using System.Diagnostics.Metrics;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Secrets.Api.Telemetry;

/// <summary>Shows the results of the health checks, which run every ten seconds for it.</summary>
internal sealed class HealthMetrics : IHealthCheckPublisher
{
    /// <summary>Time between two runs of the checks.</summary>
    public static readonly TimeSpan Period = TimeSpan.FromSeconds(10);

    // The check that writes to the database.
    private const string DatabaseCheck = "database";

    private volatile HealthReport? _report;

    public HealthMetrics()
    {
        Instruments.Meter.CreateObservableGauge("secrets.health.check", ReadChecks, "{check}", "1 if the health check passes, 0 if it fails");
        Instruments.Meter.CreateObservableGauge("secrets.database.up", ReadDatabase, "{database}", "1 if the database can be written, otherwise 0");
    }

    /// <inheritdoc />
    public Task PublishAsync(HealthReport report, CancellationToken cancellationToken)
    {
        _report = report;
        return Task.CompletedTask;
    }

    private static int ValueOf(HealthReportEntry entry) => entry.Status == HealthStatus.Unhealthy ? 0 : 1;

    private IEnumerable<Measurement<int>> ReadChecks() =>
        _report?.Entries.Select(check => new Measurement<int>(ValueOf(check.Value), new KeyValuePair<string, object?>("secrets.check", check.Key))) ?? [];

    private IEnumerable<Measurement<int>> ReadDatabase() =>
        _report?.Entries.TryGetValue(DatabaseCheck, out var check) == true ? [new Measurement<int>(ValueOf(check))] : [];
}
