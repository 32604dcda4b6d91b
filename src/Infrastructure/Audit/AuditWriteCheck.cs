using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Secrets.Application.Common;
using Secrets.Domain.Audit;
using Secrets.Infrastructure.Batching;
using Secrets.Infrastructure.Persistence;

namespace Secrets.Infrastructure.Audit;

/// <summary>
/// Writes to the audit and takes it back: while that fails no secret can be changed or released. On a connection of the batches, which are what has to work;
/// and where those were lost and nobody has asked since, this finds out instead of the next request. One at a time, whoever asks: anybody may.
/// </summary>
internal sealed class AuditWriteCheck : IHealthCheck, IAsyncDisposable
{
    private readonly IDbContextFactory<SecretsDbContext> _contexts;
    private readonly AuditWriters _writers;
    private readonly TimeProvider _time;
    private readonly Batcher<HealthCheckContext, bool> _probes;

    public AuditWriteCheck(IDbContextFactory<SecretsDbContext> contexts, AuditWriters writers, TimeProvider time)
    {
        _contexts = contexts;
        _writers = writers;
        _time = time;
        _probes = new Batcher<HealthCheckContext, bool>(BatchLimits.OfReads, ProbeAsync);
    }

    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        try
        {
            await _probes.AddAsync(context, cancellationToken).WaitAsync(cancellationToken);
            return HealthCheckResult.Healthy();
        }
        catch (UnavailableException)
        {
            return HealthCheckResult.Unhealthy("The audit cannot be written.");
        }
    }

    public ValueTask DisposeAsync() => _probes.DisposeAsync();

    private async Task<IReadOnlyList<bool>> ProbeAsync(IReadOnlyList<HealthCheckContext> asked)
    {
        await using var db = await _contexts.CreateDbContextAsync();
        await _writers.ProbeAsync(db, new AuditEvent
        {
            At = _time.GetUtcNow(),
            Actor = Guid.Empty,
            Action = AuditAction.AuditVerify,
            Outcome = AuditOutcome.Success,
        });
        return new bool[asked.Count];
    }
}
