using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Secrets.Application.Common;
using Secrets.Domain.Audit;
using Secrets.Infrastructure.Audit;
using Secrets.Infrastructure.Persistence;

namespace Secrets.Infrastructure.Health;

/// <summary>
/// Writes to the audit and takes it back: while that fails no secret can be changed or released. On a connection of the batches, which are what has to work;
/// and where those were lost and nobody has asked since, this finds out instead of the next request.
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
