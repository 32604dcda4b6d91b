using Microsoft.Extensions.Diagnostics.HealthChecks;
using Secrets.Infrastructure.Audit;
using Secrets.Infrastructure.Persistence;

namespace Secrets.Infrastructure.Health;

/// <summary>
/// Writes an audit row and rolls back: without the audit, no secret can be changed or released. Uses the connections of the batches, because those must work;
/// if they are broken, this check finds out before a request does.
/// </summary>
internal sealed class AuditWriteCheck(IDbContextFactory<SecretsDbContext> contexts, AuditWriters writers, TimeProvider time) : WriteCheck
{
    protected override async Task<HealthCheckResult> WriteAsync()
    {
        try
        {
            await using var db = await contexts.CreateDbContextAsync();
            await writers.ProbeAsync(db, new AuditEvent
            {
                At = time.GetUtcNow(),
                Actor = Guid.Empty,
                Action = AuditAction.AuditVerify,
                Outcome = AuditOutcome.Success,
            });
            return HealthCheckResult.Healthy();
        }
        catch (UnavailableException)
        {
            return HealthCheckResult.Unhealthy("The audit cannot be written.");
        }
    }
}
