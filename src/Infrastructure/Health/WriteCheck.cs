using Microsoft.Extensions.Diagnostics.HealthChecks;
using Secrets.Infrastructure.Batching;

namespace Secrets.Infrastructure.Health;

/// <summary>
/// A health check that writes. Concurrent checks share one write: anybody may call the endpoint, and while writes hang, one connection per check would
/// exhaust the pool.
/// </summary>
internal abstract class WriteCheck : IHealthCheck, IAsyncDisposable
{
    private readonly Batcher<HealthCheckContext, HealthCheckResult> _writes;

    protected WriteCheck() =>
        _writes = new Batcher<HealthCheckContext, HealthCheckResult>(
            BatchLimits.ForReads with { Name = "health" }, async checks => [.. Enumerable.Repeat(await WriteAsync(), checks.Count)]);

    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
        _writes.AddAsync(context, cancellationToken);

    public ValueTask DisposeAsync() => _writes.DisposeAsync();

    protected abstract Task<HealthCheckResult> WriteAsync();
}
