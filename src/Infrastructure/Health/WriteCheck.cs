using Microsoft.Extensions.Diagnostics.HealthChecks;
using Secrets.Infrastructure.Batching;

namespace Secrets.Infrastructure.Health;

/// <summary>
/// Finds out whether something can be written by writing it. One write at a time, whoever asks: anybody may, and a crowd that asked while the writing hangs
/// would hold every connection there is.
/// </summary>
internal abstract class WriteCheck : IHealthCheck, IAsyncDisposable
{
    private readonly Batcher<HealthCheckContext, HealthCheckResult> _writes;

    protected WriteCheck() =>
        _writes = new Batcher<HealthCheckContext, HealthCheckResult>(BatchLimits.ForReads, async asked => [.. Enumerable.Repeat(await WriteAsync(), asked.Count)]);

    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
        _writes.AddAsync(context, cancellationToken);

    public ValueTask DisposeAsync() => _writes.DisposeAsync();

    protected abstract Task<HealthCheckResult> WriteAsync();
}
