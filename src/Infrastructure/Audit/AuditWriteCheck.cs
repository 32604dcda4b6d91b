using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Secrets.Application.Common;
using Secrets.Domain.Audit;
using Secrets.Infrastructure.Persistence;

namespace Secrets.Infrastructure.Audit;

/// <summary>
/// Writes to the audit and takes it back: while that fails no secret can be changed or released. On a connection of the batches, which are what has to work;
/// and where those were lost and nobody has asked since, this finds out instead of the next request.
/// </summary>
internal sealed class AuditWriteCheck(IDbContextFactory<SecretsDbContext> contexts, AuditWriters writers, TimeProvider time) : IHealthCheck
{
    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        var probe = new AuditEvent
        {
            At = time.GetUtcNow(),
            Actor = Guid.Empty,
            Action = AuditAction.AuditVerify,
            Outcome = AuditOutcome.Success,
        };
        try
        {
            await using var db = await contexts.CreateDbContextAsync(cancellationToken);
            await writers.ProbeAsync(db, probe).WaitAsync(cancellationToken);
            return HealthCheckResult.Healthy();
        }
        catch (UnavailableException)
        {
            return HealthCheckResult.Unhealthy("The audit cannot be written.");
        }
    }
}
